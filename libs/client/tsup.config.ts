import { defineConfig } from 'tsup';

/** Builds what is published: `dist/client`. `#contracts` is a part of it, socket.io-client is not. */
export default defineConfig({
  entry: { index: 'libs/client/src/index.ts', react: 'libs/client/src/react/index.ts' },
  outDir: 'dist/client',
  format: ['esm', 'cjs'],
  target: 'es2024',
  platform: 'neutral',
  dts: true,
  clean: true,
  external: ['socket.io-client', 'react'],
  noExternal: [/^#/],
  esbuildOptions: (options) => {
    options.conditions = ['source'];
  },
});
