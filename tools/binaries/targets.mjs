// The systems that single files are made for, and the runtime of each: which package of npm, which bytes.

/** Version of every runtime; the one that compiles must be the same, for what it compiles is understood by no other. */
export const VERSION = '1.4.5';

/**
 * `runtime` is the package of npm, `integrity` the SHA-512 of its tarball as the registry signs it, `bun` the target's name for
 * the compiler. Runtimes for x64 are the ones that ask for no AVX2: they run on every processor and start as fast.
 */
export const TARGETS = {
  'linux-x64': {
    bun: 'bun-linux-x64-baseline',
    runtime: '@oven/bun-linux-x64-baseline',
    integrity:
      'sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==',
  },
  'linux-arm64': {
    bun: 'bun-linux-arm64',
    runtime: '@oven/bun-linux-aarch64',
    integrity:
      'sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==',
  },
  'linux-x64-musl': {
    bun: 'bun-linux-x64-musl-baseline',
    runtime: '@oven/bun-linux-x64-musl-baseline',
    integrity:
      'sha512-cWJhU8h0+MiUgpSt99sQhjxLIIosKEcKYdtKddohokUvAuN6jKOy7g7+QDTZTXtwHxz93wL3BX+L6wXVPDUH3A==',
  },
  'linux-arm64-musl': {
    bun: 'bun-linux-arm64-musl',
    runtime: '@oven/bun-linux-aarch64-musl',
    integrity:
      'sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==',
  },
  'macos-arm64': {
    bun: 'bun-darwin-arm64',
    runtime: '@oven/bun-darwin-aarch64',
    integrity:
      'sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==',
  },
  'macos-x64': {
    bun: 'bun-darwin-x64-baseline',
    runtime: '@oven/bun-darwin-x64-baseline',
    integrity:
      'sha512-zqfLA5A4B+hYMh5WYzYSot3uZ06FzhdP0OEwQisEzdirYtXGj5cQFlfy31BGfNsAsk1Gd/w/OxJ/jqqJ3cMclw==',
  },
  'windows-x64': {
    bun: 'bun-windows-x64-baseline',
    runtime: '@oven/bun-windows-x64-baseline',
    integrity:
      'sha512-/U3Dc74uGqE6EUqef7mPtg9KwJs7iJH4JHRMfIZIn18MrJh6Xz4gVvWDXRvzCL2j8wPlTnJVyrO4n7Qq4uM7TQ==',
  },
};

/** Name of a target's file. */
export function fileOf(target) {
  return `portolan-${target}${target.startsWith('windows') ? '.exe' : ''}`;
}

/** The target of the machine that builds, whose runtime compiles for all; null where there is none of its kind. */
export function hostTarget() {
  const system = { linux: 'linux', darwin: 'macos' }[process.platform];
  const musl =
    process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  const name = `${system}-${process.arch}${musl ? '-musl' : ''}`;
  return Object.hasOwn(TARGETS, name) ? name : null;
}
