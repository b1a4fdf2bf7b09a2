// The door of @portolan/probe/printed: what other tools printed, understood. Pure, for programs and browsers alike.
export { type PrintedOptions, PrintedReader, type PrintedReading, readPrinted } from './reader.ts';
export {
  PRINTED_FORMATS,
  type PrintedFormat,
  type PrintedRow,
  type UnknownLine,
  type UnknownReason,
} from './row.ts';
