// Story: a worker is gone in the middle of a job; the operator sees it and puts the job back.
import type { Page } from '@playwright/test'
import { make } from './jobs'
import { expect, test } from './support'

/** Only the lists of queues that a worker serves are looked into, tick by tick: that is how a run gets its class and payload. */
const seen = (page: Page) => page.waitForTimeout(3_000)

test('no worker: the page says how one appears', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/workers')
  await expect(page.getByRole('main')).toContainText('No worker reports')
  await expect(page.getByRole('main')).toContainText('monitor: true')
})

test('what runs is listed on the worker and on its queue', async ({ queues, workers, open, redis }) => {
  await queues.push('orders', make(2, 'ORD'))
  const page = await open('/queues/orders')
  await workers.start('shop-1', ['orders'])
  await expect(page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Active/ })).toContainText('0')
  await seen(page)
  await redis.rPop('queue:orders')
  await workers.begin('shop-1', 'ORD-1')
  const tab = page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Active/ })
  await expect(tab).toContainText('1')
  await tab.click()
  await expect(page).toHaveURL(/state=active/)
  const row = page.getByRole('row').filter({ hasText: 'ORD-1' })
  await expect(row).toContainText('SendInvoice')
  await expect(row).toContainText('shop-1')
  const ran = await row.getByRole('cell').nth(4).textContent()
  await expect(row.getByRole('cell').nth(4)).not.toHaveText(ran ?? '')

  await page.keyboard.press('g')
  await page.keyboard.press('w')
  await expect(page).toHaveURL(/\/workers$/)
  await expect(page.getByRole('row').filter({ hasText: 'shop-1' })).toContainText('SendInvoice')
  await workers.complete('shop-1', 'ORD-1')
  await expect(page.getByRole('row').filter({ hasText: 'shop-1' })).toContainText('idle')
  // What its class takes is asked for every 10 s.
  const classes = page.getByRole('table', { name: 'Job classes' }).getByRole('row').filter({ hasText: 'SendInvoice' })
  await expect(classes).toContainText('0 %', { timeout: 20_000 })
})

test('a killed worker is lost, and its job goes back', async ({ queues, workers, open, redis }) => {
  test.setTimeout(120_000)
  await queues.push('orders', make(2, 'ORD'))
  const page = await open('/workers')
  await workers.start('shop-1', ['orders'])
  await expect(page.getByRole('row').filter({ hasText: 'shop-1' })).toContainText('Online')
  await seen(page)
  await redis.rPop('queue:orders')
  await workers.begin('shop-1', 'ORD-1')
  await expect(page.getByRole('row').filter({ hasText: 'shop-1' })).toContainText('SendInvoice')
  await page.screenshot({ path: 'end2end/report/shots/worker-running.png' })
  await workers.kill('shop-1')
  const lost = page.getByRole('region', { name: /lost with its worker/ })
  await expect(lost).toContainText('ORD-1', { timeout: 20_000 })
  await expect(page.getByRole('table', { name: 'Workers' }).getByRole('row').filter({ hasText: 'shop-1' })).toContainText('Lost')
  // At first the worker may only be busy: the row says what to wait for, and has no button yet.
  const button = lost.getByRole('button', { name: 'Put back in the queue' })
  await expect(lost).toContainText('wait until it has been silent for 30 s')
  await expect(button).toHaveCount(0)
  await expect(button).toBeVisible({ timeout: 40_000 })
  await expect(lost).not.toContainText('wait until')
  await page.screenshot({ path: 'end2end/report/shots/worker-lost.png' })
  // The columns that a width shows fill the table, and the job's has room for its name.
  for (const width of [390, 1024, 1190, 1440]) {
    await page.setViewportSize({ width, height: 900 })
    const [job, end, edge] = await lost.getByRole('table').evaluate((table: HTMLTableElement) => {
      const ends = [...table.tHead!.rows[0].cells].map((cell) => cell.getBoundingClientRect().right)
      return [table.tBodies[0].rows[0].cells[1].clientWidth, Math.max(...ends), table.parentElement!.getBoundingClientRect().right]
    })
    expect.soft(job, `the job at ${width}`).toBeGreaterThan(120)
    expect.soft(Math.abs(edge - end), `the columns at ${width} end at the edge`).toBeLessThan(2)
    const past = await lost.getByRole('button', { name: /^Put back/ }).evaluate((el) => {
      return el.getBoundingClientRect().right - el.closest('td')!.getBoundingClientRect().right
    })
    expect.soft(past, `the button at ${width} is whole`).toBeLessThanOrEqual(0)
  }
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Overview' }).click()
  await expect(page.getByRole('list', { name: 'Needs attention' })).toContainText('shop-1 stopped reporting while running SendInvoice')
  await page.getByRole('link', { name: 'Put job back' }).click()
  await button.click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Put ORD-1 back in orders?')
  await expect(dialog).toContainText('It may run twice')
  await dialog.getByRole('button', { name: 'Put job back' }).click()
  await expect(dialog).toBeHidden()
  await expect(lost).toContainText('Put back')
  expect(await redis.lLen('queue:orders')).toBe(2)
  expect(JSON.parse((await redis.lIndex('queue:orders', 0)) ?? '{}').id).toBe('ORD-1')
})
