// Story: what happens now, and what happened in the last minutes, without an event missed or made up.
import { make } from './jobs'
import { expect, test } from './support'

test('without events nothing is called zero', async ({ queues, open }) => {
  await queues.push('orders', make(3, 'ORD'))
  const page = await open('/')
  await expect(page.getByRole('region', { name: 'Totals' }).getByText('Active').locator('..')).toContainText('—')
  await expect(page.getByRole('region', { name: 'Throughput' })).toContainText('No events were heard in this time')
  await expect(page.getByRole('region', { name: 'Workers' })).toContainText('No worker reports')
})

test('jobs that end are counted, charted and logged', async ({ queues, workers, open }) => {
  test.setTimeout(90_000)
  await queues.push('orders', make(3, 'ORD'))
  const page = await open('/')
  await workers.start('shop-1', ['orders'])
  for (let i = 1; i <= 40; i += 1) {
    await workers.begin('shop-1', `ORD-${i}`)
    await (i % 4 ? workers.complete('shop-1', `ORD-${i}`) : workers.fail('shop-1', `ORD-${i}`, 'PaymentTimeout: no answer'))
  }
  await workers.begin('shop-1', 'LONG-1')
  const totals = page.getByRole('region', { name: 'Totals' })
  await expect(totals.getByText('Active').locator('..')).toContainText('1')
  await expect(totals.getByText('Jobs/s').locator('..')).toContainText(/failed, last minute/)
  await expect(page.getByRole('list', { name: 'Log, newest first' })).toContainText('Processing job: LONG-1')
  await expect(page.getByRole('list', { name: 'Workers' })).toContainText('shop-1')
  await expect(page.getByRole('list', { name: 'Needs attention' })).toContainText(/orders: 10 failed in 5 min, mostly PaymentTimeout/, { timeout: 15_000 })

  // The chart: the same figures in words, by the arrow keys, and as a table.
  const chart = page.getByRole('slider', { name: /Throughput/ })
  await expect(chart).toBeVisible({ timeout: 20_000 })
  await chart.focus()
  await page.keyboard.press('End')
  await expect(chart).toHaveAttribute('aria-valuetext', /still filling: Completed .*Failed/)
  await page.keyboard.press('ArrowLeft')
  await expect(chart).not.toHaveAttribute('aria-valuetext', /still filling/)
  await expect(chart).toHaveAttribute('aria-valuetext', /\d\d:\d\d:\d\d UTC: Completed/)
  await expect(chart.locator('.tip')).toContainText('Completed')
  await page.keyboard.press('Escape')
  await expect(chart.locator('.tip')).toHaveCount(0)
  const table = page.getByRole('region', { name: 'Throughput' }).locator('details')
  await table.locator('summary').focus()
  await page.keyboard.press('Enter')
  await expect(table.getByRole('columnheader', { name: 'Completed' })).toBeVisible()
  await expect(table.getByRole('row').nth(1)).toContainText(/UTC, still filling/)
})

test('what the list has no room for is found behind its last line', async ({ queues, redis, open }) => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await queues.fail(name, make(2, name.toUpperCase()))
  await queues.push('stopped', make(3, 'S'))
  for (const list of [':critical', ':high', '', ':low']) await redis.set(`queue:stopped${list}:paused`, '1')
  const page = await open('/')
  const list = page.getByRole('list', { name: 'Needs attention' })
  await expect(list).toContainText('stopped: paused while 3 jobs wait')
  await expect(list).toContainText('3 more with failed jobs')
  await list.getByRole('link', { name: 'View all' }).click()
  await expect(page).toHaveURL(/\/queues\?filter=attention$/)
  for (const name of ['a', 'f', 'stopped']) await expect(page.getByRole('table').getByRole('link', { name, exact: true })).toBeVisible()
  await expect(page.getByRole('navigation', { name: 'Filter' }).getByRole('link', { name: 'Needs attention' })).toHaveAttribute('aria-current', 'true')
})

test('the window is in the address', async ({ queues, workers, open }) => {
  test.setTimeout(60_000)
  await queues.push('orders', make(3, 'ORD'))
  const page = await open('/')
  await workers.start('shop-1', ['orders'])
  await page.getByRole('navigation', { name: 'Time window' }).getByRole('link', { name: '1 h' }).click()
  await expect(page).toHaveURL(/\?window=1h$/)
  for (let i = 1; i <= 5; i += 1) await workers.complete('shop-1', `ORD-${i}`)
  await expect(page.getByRole('slider', { name: /Throughput/ })).toHaveAttribute('aria-valuemax', '59', { timeout: 30_000 })
  await page.reload()
  await expect(page.getByRole('slider', { name: /Throughput/ })).toHaveAttribute('aria-valuemax', '59')
  await expect(page.getByRole('navigation', { name: 'Time window' }).getByRole('link', { name: '1 h' })).toHaveAttribute('aria-current', 'true')
})
