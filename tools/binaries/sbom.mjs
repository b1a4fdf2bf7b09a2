// What is in the single files, as CycloneDX: npm's own list from the lock file, cut down to what was bundled, and the runtimes.
import { spawnSync } from 'node:child_process';
import { ROOT } from '../setup.mjs';
import { TARGETS, VERSION } from './targets.mjs';

/** The list as JSON. Throws where npm cannot make it, or does not know what was bundled. */
export function sbomOf(packages, targets) {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--loglevel=error'];
  const made = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (made.status !== 0) throw new Error(`npm sbom: ${made.error?.message ?? made.stderr.trim()}`);
  const all = JSON.parse(made.stdout);
  const named = ({ purl }) => decodeURIComponent(purl.replace(/^pkg:npm\//, ''));
  const bundled = all.components.filter((component) => packages.includes(named(component)));
  const missing = packages.filter((name) => !bundled.some((component) => named(component) === name));
  if (missing.length > 0)
    throw new Error(`the lock file does not know ${missing.join(', ')}, which was bundled`);
  const program = bundled.find((component) => component['bom-ref'].startsWith('portolan@'));
  const runtimes = targets.map(runtimeComponent);
  const refs = new Set(bundled.map((component) => component['bom-ref']));
  return JSON.stringify(
    {
      ...all,
      metadata: {
        ...all.metadata,
        lifecycles: [{ phase: 'build' }],
        component: { ...program, type: 'application' },
      },
      components: [
        ...bundled
          .filter((component) => component !== program)
          .map((component) => ({ ...component, scope: 'required' })),
        ...runtimes,
      ],
      dependencies: [
        ...all.dependencies
          .filter(({ ref }) => refs.has(ref))
          .map(({ ref, dependsOn = [] }) => ({
            ref,
            dependsOn: [
              ...dependsOn.filter((other) => refs.has(other)),
              ...(ref === program['bom-ref'] ? runtimes.map((runtime) => runtime['bom-ref']) : []),
            ],
          })),
        ...runtimes.map((runtime) => ({ ref: runtime['bom-ref'], dependsOn: [] })),
      ],
    },
    null,
    2,
  );
}

function runtimeComponent(target) {
  const { runtime, integrity } = TARGETS[target];
  const [group, name] = runtime.split('/');
  return {
    'bom-ref': `${runtime}@${VERSION}`,
    type: 'platform',
    name,
    group,
    version: VERSION,
    scope: 'required',
    description: `The runtime of the single file for ${target}`,
    purl: `pkg:npm/${encodeURIComponent(group)}/${name}@${VERSION}`,
    hashes: [
      { alg: 'SHA-512', content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex') },
    ],
    licenses: [{ license: { id: 'MIT' } }],
    externalReferences: [{ type: 'vcs', url: 'https://github.com/oven-sh/bun' }],
  };
}
