/** `npm run build:client`: builds `@tidings/client` into `dist/client`. */
import { buildPackage } from './package.ts';

await buildPackage();
