// Story: the page follows Redis, and holds still while one works on it.
import { make } from './jobs'
import { expect, test } from './support'

test('counts follow without a reload', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/queues/orders')
  const waiting = page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Waiting/ })
  await expect(waiting).toContainText('1')
  await queues.push('orders', make(41, 'MORE'))
  await expect(waiting).toContainText('42')
})

test.describe('before the first count', () => {
  test.use({ counted: false })

  test('a table that is opened too early fills by itself', async ({ queues, open }) => {
    await queues.push('orders', make(3, 'ORD'))
    const page = await open('/queues')
    await expect(page.getByRole('link', { name: 'orders', exact: true })).toBeVisible()
  })
})

test('rows stay while jobs are selected', async ({ queues, redis, open }) => {
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  await page.getByRole('checkbox', { name: 'Select DEAD-2' }).check()
  await queues.fail('orders', make(2, 'NEW'))
  await expect(page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Failed/ })).toContainText('5')
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-2' })).toBeChecked()
  await expect(page.getByRole('checkbox', { name: 'Select NEW-1' })).toHaveCount(0)
  expect(await redis.lLen('queue:orders:failed')).toBe(5)
})

const news = /^Load \d+ new$/

test('a selection outlives jobs that a worker takes and a list that is loaded again', async ({ queues, redis, open }) => {
  await queues.push('orders', make(5, 'ORD'))
  const page = await open('/queues/orders')
  const box = (id: string) => page.getByRole('checkbox', { name: `Select ${id}` })
  for (const n of [2, 3, 4]) await box(`ORD-${n}`).check()
  await box('ORD-3').evaluate((el) => el.closest('tr')!.setAttribute('data-mark', ''))
  await redis.rPop('queue:orders') // ORD-1: every other job has another position now
  await queues.push('orders', make(6, 'MORE'))
  await page.getByRole('button', { name: news }).first().click()
  await expect(box('MORE-6')).toBeVisible()
  for (const n of [2, 3, 4]) await expect(box(`ORD-${n}`)).toBeChecked()
  await expect(page.getByText('3 jobs selected')).toBeVisible()
  // The row is the same one, not a new one that looks like it, and leads to where the job is now.
  const row = page.locator('tr[data-mark]')
  await expect(row).toContainText('ORD-3')
  await expect(row.getByRole('link')).toHaveAttribute('href', /\.wb\.1$/)

  await redis.rPop('queue:orders') // one of the selected
  await queues.push('orders', make(3, 'LAST'))
  await page.getByRole('button', { name: news }).first().click()
  await expect(page.getByText('2 jobs selected')).toBeVisible()
  await page.getByRole('button', { name: /^Delete 2 jobs/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Delete 2 jobs/ }).click()
  await expect.poll(async () => (await redis.lRange('queue:orders', 0, -1)).filter((raw) => /ORD-/.test(raw)).length).toBe(1)
})

test('of two equal jobs one can be selected', async ({ redis, queues, open }) => {
  await queues.push('orders', [{ id: 'TWIN', createdAt: 1795432800000 }, { id: 'TWIN', createdAt: 1795432800000 }])
  const page = await open('/queues/orders')
  await page.getByRole('checkbox', { name: 'Select TWIN' }).first().check()
  await expect(page.getByText('1 job selected')).toBeVisible()
  await page.getByRole('button', { name: /^Delete 1 job/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Delete 1 job/ }).click()
  await expect.poll(() => redis.lLen('queue:orders')).toBe(1)
})

test('the list holds still under the keyboard and under the pointer', async ({ queues, redis, open }) => {
  await queues.push('orders', make(5, 'ORD'))
  const page = await open('/queues/orders')
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('j')
  const focused = page.locator('tr:has(:focus)')
  await expect(focused).toContainText('ORD-3')
  await redis.rPop('queue:orders')
  await queues.push('orders', make(3, 'MORE'))
  await expect(page.getByRole('button', { name: news })).toBeVisible() // it would load by itself otherwise
  await expect(focused).toContainText('ORD-3')
  await page.keyboard.press('j')
  await expect(focused).toContainText('ORD-4')

  await page.locator(':focus').evaluate((el: HTMLElement) => el.blur())
  await expect(page.getByRole('checkbox', { name: 'Select MORE-3' })).toBeVisible()
  await page.getByRole('row').filter({ hasText: 'ORD-3' }).hover()
  await queues.push('orders', make(2, 'LATE'))
  await expect(page.getByRole('button', { name: news })).toBeVisible()
  await expect(page.getByRole('checkbox', { name: 'Select LATE-1' })).toHaveCount(0)
  await page.getByRole('heading', { level: 1 }).hover()
  await expect(page.getByRole('checkbox', { name: 'Select LATE-2' })).toBeVisible()
})

test.describe('while the keys are looked through for the first time', () => {
  test.use({ counted: false })

  test('the page says how far that is', async ({ redis, queues, visit }) => {
    test.setTimeout(90_000)
    const fill = "for i = 1, 200000 do redis.call('SET', 'filler:' .. ARGV[1] .. ':' .. i, '') end"
    for (let i = 0; i < 10; i += 1) await redis.eval(fill, { arguments: [String(i)] })
    await queues.push('orders', make(1, 'ORD'))
    const page = await visit('/queues')
    await expect(page.getByText(/Looking for queues: [\d.,kM]+ of 2(\.0)?M keys scanned/)).toBeVisible()
    await expect(page.getByRole('link', { name: 'orders', exact: true })).toBeVisible({ timeout: 60_000 })
    await expect(page.getByText(/Looking for queues/)).toHaveCount(0, { timeout: 60_000 })
  })
})

test('every page says that Redis cannot be reached, and marks what is old', async ({ queues, redisServer, open, expectedErrors }) => {
  test.setTimeout(90_000)
  expectedErrors.push(/50[03]/)
  await queues.push('orders', make(7, 'ORD'))
  await queues.worker('shop-1', ['orders'])
  const page = await open('/')
  await expect(page.locator('.stale:not(.v)')).toHaveCount(0)
  await redisServer.stop()
  const said = page.getByText(/Redis cannot be reached since \d\d:\d\d UTC\./).first()
  await expect(said).toBeVisible({ timeout: 15_000 })
  await expect(page.locator('.stale').filter({ hasText: 'orders' }).first()).toBeVisible()
  for (const path of ['/queues', '/queues/orders', '/queues/orders?state=failed', '/queues/orders/jobs/ORD-1', '/search', '/errors', '/schedules', '/workers', '/logs', '/alerts', '/operations', '/settings']) {
    await open(path)
    await expect.soft(said, path).toBeVisible()
  }
  for (const path of ['/queues', '/queues/orders', '/workers']) {
    await open(path)
    await expect.soft(page.locator('.stale').first(), path).toBeVisible()
  }
})

test('Redis goes away and comes back', async ({ queues, redis, redisServer, open }) => {
  await queues.push('orders', make(7, 'ORD'))
  const page = await open('/queues')
  await expect(page.getByRole('row').filter({ hasText: 'orders' })).toContainText('7')
  await redisServer.stop()
  await expect(page.getByText(/Redis cannot be reached since \d\d:\d\d/).first()).toBeVisible({ timeout: 15_000 })
  // The last numbers stay.
  await expect(page.getByRole('row').filter({ hasText: 'orders' })).toContainText('7')
  await expect(page.locator('.live .dot')).toHaveClass('dot off')

  const { startRedis } = await import('./servers')
  const again = await startRedis(Number(new URL(redisServer.url).port))
  await expect(page.getByText(/Redis cannot be reached since/)).toHaveCount(0, { timeout: 20_000 })
  await expect(page.locator('.live .dot')).toHaveClass('dot')
  await again.stop()
  expect(redis).toBeDefined()
})
