// The door of @portolan/probe/printed/documents: output that is one document, JSON or XML, for readers that are given it.
// Apart from the lines, so that a page loads it once something that looks so is pasted.
import { json } from './json-stream.ts';
import { nmapXml } from './nmap-xml.ts';
import type { StreamRecogniser } from './stream.ts';

/** Every document that is recognised, by its first line. */
export const DOCUMENTS: readonly StreamRecogniser[] = [json, nmapXml];
