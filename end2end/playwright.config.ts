import { defineConfig, devices } from '@playwright/test'

// The browser is the system's: nothing is downloaded. CHROMIUM names another one.
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: './test-results',
  workers: 2, // each story has servers of its own, and waits for clocks and files most of the time
  retries: 0, // a test that passes the second time has found something
  forbidOnly: !!process.env.CI,
  // Generous, because nothing here says how fast the console is and machines are shared.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [['list'], ['json']] : [['list']],
  use: {
    ...devices['Desktop Chrome'],
    channel: undefined,
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    navigationTimeout: 30_000, // a page that never begins to load fails its story, not the run
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath,
      // --no-sandbox: Chromium refuses to run as root with it. --disable-quic: a headless Chromium of Debian hangs on it.
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
      ],
    },
  },
})
