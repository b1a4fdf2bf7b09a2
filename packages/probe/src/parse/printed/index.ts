// The door of @portolan/probe/printed: what other tools printed, understood. Pure, for programs and browsers alike. Output
// that is one document, JSON or XML, is read with what @portolan/probe/printed/documents hands over.
export { TOOL_NAMES, toolOf } from './gaps.ts';
export { type PrintedOptions, PrintedReader, type PrintedReading, readPrinted } from './reader.ts';
export {
  PRINTED_FORMATS,
  type PrintedFormat,
  type PrintedRange,
  type PrintedRanges,
  type PrintedRow,
  type UnknownLine,
  type UnknownReason,
} from './row.ts';
export type { StreamRecogniser } from './stream.ts';
