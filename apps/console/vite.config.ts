// Builds the console into `dist`, which the server serves below /console.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Also where tests build it.
process.env.NODE_ENV = 'production'

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [react()],
  // The server puts a fresh nonce in its place with every answer.
  html: { cspNonce: '__NONCE__' },
  build: {
    target: 'es2023',
    // The first that know light-dark().
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Ant Design is one chunk.
    chunkSizeWarningLimit: 800,
  },
})
