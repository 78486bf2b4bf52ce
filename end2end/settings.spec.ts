// Story: how big has the archive become, and how long do we keep it?
import { mkdirSync, mkdtempSync, rmSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { make } from './jobs'
import { text, write } from './sqlite'
import { expect, test as base, toasts } from './support'

const test = base.extend<{ archive: string }>({
  archive: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'flux-console-archive-'))
    await use(join(folder, 'archive.sqlite'))
    rmSync(folder, { recursive: true, force: true })
  },
  // What a group of stories sets wins.
  consoleArgs: [async ({ archive }, use) => use(['--archive', `sqlite:${archive}`]), { option: true }],
})

/** Rows in the library's tables, `days` old, written by another program. */
function fill(archive: string, days: number, count: number) {
  const at = text(new Date(Date.now() - days * 86_400_000).toISOString())
  const row = (i: number) => [
    `INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) VALUES ('old-${i}', 'orders', 'completed', '{}', ${at})`,
    `INSERT INTO flux_system_logs (level, message, worker_id, queue, timestamp) VALUES ('${i % 2 ? 'error' : 'info'}', 'Line ${i} says 100%', 'shop-1', 'orders', ${at})`,
  ]
  write(archive, Array.from({ length: count }, (_, i) => row(i)).flat())
}

test('settings: what is kept, what would go, and a run that deletes it', async ({ archive, queues, redis, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  await redis.set('gravito:zenith:maintenance:config', JSON.stringify({ autoCleanup: true, retentionDays: 20, theirs: 1 }))
  const page = await open('/')
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).click()
  await expect(page).toHaveURL(/\/settings$/)
  const main = page.getByRole('main')
  await expect(main).toContainText(archive)
  await expect(main.getByLabel('Keep jobs for')).toHaveValue('20')
  await expect(main).toContainText('Nothing is old enough')
  await expect(main.getByRole('button', { name: 'Delete old rows now' })).toBeDisabled()

  await expect.poll(() => page.evaluate(() => fetch('/api/v1/archive').then((r) => r.json()).then((a) => a.status.state))).toBe('ready')
  fill(archive, 40, 30)
  fill(archive, 3, 5)
  await main.getByLabel('Keep jobs for').fill('0')
  await expect(main).toContainText('Jobs can be kept for 1 to 3650 days.')
  await expect(main.getByRole('button', { name: 'Save' })).toBeDisabled()
  await main.getByLabel('Keep jobs for').fill('14')
  await main.getByRole('button', { name: 'Save' }).click()
  await expect(toasts(page)).toContainText('Saved how long rows are kept')
  await expect(main.getByRole('region', { name: 'Retention' }).getByRole('list').first()).toContainText('30job rows')
  expect(JSON.parse((await redis.get('gravito:zenith:maintenance:config'))!)).toEqual({ autoCleanup: true, retentionDays: 14, logsRetentionDays: 20, theirs: 1 })

  await main.getByRole('button', { name: 'Delete old rows now' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('They cannot be restored')
  await dialog.getByRole('button', { name: 'Delete 60 rows' }).click()
  await expect(dialog).toBeHidden()
  await expect(main).toContainText('The last run deleted 30 job rows, 30 log lines.')
  await expect(main).toContainText('Nothing is old enough')

  await page.goto(new URL('/operations?verb=retention-run', page.url()).href)
  await expect(page.getByRole('table')).toContainText('deleted 30 job rows, 30 log lines')
})

test('the log of the past is searched, page by page', async ({ archive, queues, open, page }) => {
  await queues.push('orders', make(1, 'ORD'))
  await open('/logs')
  await expect.poll(() => page.evaluate(() => fetch('/api/v1/archive').then((r) => r.json()).then((a) => a.status.state))).toBe('ready')
  fill(archive, 2, 250)
  await page.getByRole('navigation', { name: 'Which log' }).getByRole('link', { name: 'Archive' }).click()
  await expect(page).toHaveURL(/from=archive/)
  const list = page.getByRole('list', { name: 'Log, newest first' })
  await expect(list.getByRole('listitem')).toHaveCount(100)
  await expect(list.getByRole('listitem').first()).toContainText('Line 249 says')
  await page.getByRole('link', { name: 'Older' }).click()
  await expect(list.getByRole('listitem').first()).toContainText('Line 149 says')
  await page.getByRole('navigation', { name: 'Level' }).getByRole('link', { name: 'Error' }).click()
  await page.getByRole('searchbox', { name: 'Text' }).fill('line 12 says')
  await page.getByRole('button', { name: 'Search' }).last().click()
  await expect(page.getByRole('main')).toContainText('No line matches')
  await page.getByRole('navigation', { name: 'Level' }).getByRole('link', { name: 'All' }).click()
  await expect(list.getByRole('listitem')).toHaveCount(1)
  await page.getByRole('navigation', { name: 'Which log' }).getByRole('link', { name: 'Live' }).click()
  await expect(page.getByRole('button', { name: 'Pause' }).last()).toBeVisible()
})

test.describe('without a script', () => {
  test.use({ javaScriptEnabled: false, consoleArgs: ['--archive', 'off'] })
  test('settings read, and say that there is no archive', async ({ queues, visit }) => {
    await queues.push('orders', make(1, 'ORD'))
    const page = await visit('/settings')
    await expect(page.getByRole('main')).toContainText('off (--archive off): only what is in Redis can be shown')
    await expect(page.getByRole('main')).toContainText('Redis')
    await page.goto(new URL('/logs?from=archive', page.url()).href)
    await expect(page.getByRole('main')).toContainText('There is no archive')
  })
})

test.describe('an archive that cannot be opened', () => {
  test.use({ consoleArgs: ['--archive', 'sqlite:/proc/nowhere/archive.sqlite'] })
  test('is told, and everything else works', async ({ queues, open }) => {
    await queues.push('orders', make(2, 'ORD'))
    const page = await open('/settings')
    await expect(page.getByRole('main')).toContainText(/Archive unavailable since \d\d:\d\d:\d\d UTC: /)
    await expect(page.getByRole('button', { name: 'Delete old rows now' })).toBeDisabled()
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Queues' }).click()
    await expect(page.getByRole('row', { name: /orders/ })).toContainText('2')
    const said = page.getByText(/^Archive unavailable since \d\d:\d\d UTC: history and search of the past are missing, live pages are not affected\.$/)
    for (const path of ['/', '/queues', '/queues/orders', '/queues/orders?state=failed', '/workers']) {
      await open(path)
      await expect.soft(said, path).toBeVisible()
    }
    await page.getByRole('main').getByRole('link', { name: 'Open Settings' }).click()
    await expect(page).toHaveURL(/\/settings#archive$/)
    await expect(page.getByRole('main')).toContainText('Nothing can be said of it while it is not open.')
  })
})

test.describe('an archive that comes back', () => {
  test.use({
    consoleArgs: async ({ archive }, use) => {
      // A directory in the place of the file.
      mkdirSync(archive)
      await use(['--archive', `sqlite:${archive}`])
    },
  })
  test('open pages no longer say that it is unavailable', async ({ archive, queues, open }) => {
    await queues.push('orders', make(2, 'ORD'))
    const page = await open('/')
    const said = page.getByText(/^Archive unavailable since \d\d:\d\d UTC: /)
    await expect(said).toBeVisible()
    rmdirSync(archive)
    await expect(said).toHaveCount(0, { timeout: 15_000 })
  })
})
