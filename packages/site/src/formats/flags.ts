// The bits of chart.bin, a byte a port: what the server writes and the browser reads.

/** What a port's byte tells, one bit each. */
export const FLAG = {
  /** IANA assigns it for TCP. */
  tcp: 1,
  /** IANA assigns it for UDP. */
  udp: 2,
  /** IANA assigns it for SCTP or DCCP. */
  other: 4,
  /** IANA holds it in reserve. */
  reserved: 8,
  /** Somebody else names it, alone or in a short run. */
  claimed: 16,
  /** It lies in a whole range that somebody names. */
  range: 32,
  /** Browsers refuse it. */
  blocked: 64,
} as const;
