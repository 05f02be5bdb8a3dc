/** The product's version, out of package.json; the build puts it into the bundle. */
import manifest from '../package.json' with { type: 'json' }

export const VERSION: string = manifest.version
