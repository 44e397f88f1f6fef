import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  // `#client` means the sources of the lib.
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  // A strict content security policy allows no data: URLs.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
