// Story: select, delete, change one's mind.
import type { Page } from '@playwright/test'
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

test('selected jobs are deleted and restored', async ({ queues, redis, open }) => {
  await queues.push('orders', make(6, 'ORD'))
  const before = await redis.lRange('queue:orders', 0, -1)
  const page = await open('/queues/orders')
  for (const n of [2, 4, 5]) await page.getByRole('checkbox', { name: `Select ORD-${n}` }).check()
  await confirm(page, /^Delete 3 jobs/, /^Delete 3 jobs/, /restore them for an hour.* The trash keeps about [\d.]+ k?B\./)

  await expect.poll(() => queues.waiting('orders')).toBe(3)
  await expect(page.getByRole('row').filter({ hasText: 'ORD-4' })).toHaveCount(0)
  await toasts(page).getByRole('button', { name: 'Restore' }).click()
  await expect.poll(() => queues.waiting('orders')).toBe(6)
  expect((await redis.lRange('queue:orders', 0, -1)).sort()).toEqual(before.sort())
})

test('the header box selects the page', async ({ queues, open }) => {
  await queues.fail('orders', make(30, 'DEAD'))
  const page = await open('/queues/orders?state=failed&perPage=20')
  await page.getByRole('checkbox', { name: 'Select page' }).check()
  await confirm(page, /^Delete 20 jobs/, /^Delete 20 jobs/, /20/)
  await expect.poll(() => queues.failed('orders')).toBe(10)
})

test('a purge wants the name of the queue and can be taken back', async ({ queues, open }) => {
  await queues.push('orders', make(4, 'ORD'))
  await queues.delay('orders', make(3, 'LATER'))
  await queues.fail('orders', make(2, 'DEAD'))
  const page = await open('/queues/orders')
  await page.getByRole('button', { name: 'More actions for orders' }).click()
  await page.getByRole('menuitem', { name: 'Purge queue…' }).click()

  const dialog = page.getByRole('dialog')
  const go = dialog.getByRole('button', { name: /^Purge 9 jobs/ })
  await expect(go).toBeDisabled()
  await dialog.getByRole('textbox').fill('orders')
  await go.click()
  await expect.poll(async () => [await queues.waiting('orders'), await queues.failed('orders')]).toEqual([0, 0])

  await toasts(page).getByRole('button', { name: 'Restore' }).click()
  await expect.poll(async () => [await queues.waiting('orders'), await queues.failed('orders')]).toEqual([4, 2])
})

test('all of a state is counted first, and goes to the trash', async ({ queues, redis, open }) => {
  await queues.delay('orders', make(30, 'LATER'))
  const page = await open('/queues/orders?state=delayed&perPage=20')
  await page.getByRole('checkbox', { name: 'Select page' }).check()
  await page.getByRole('button', { name: 'Select all 30' }).click()
  await page.getByRole('button', { name: 'Delete 30 jobs…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('This deletes 30 delayed jobs from orders.')
  await expect(dialog).toContainText('No worker serves orders, so what is due already is included.')
  await expect(dialog).toContainText(/The trash keeps about [\d.]+ kB\./)
  await expect(dialog.getByRole('checkbox')).toHaveCount(0) // no reason to do without
  await dialog.getByRole('button', { name: 'Delete 30 delayed jobs' }).click()
  await expect.poll(() => redis.zCard('queue:orders:delayed')).toBe(0)
  await toasts(page).getByRole('button', { name: 'Restore' }).click()
  await expect.poll(() => redis.zCard('queue:orders:delayed')).toBe(30)
})

for (const [what, opener, primary] of [
  ['waiting', async (page) => {
    await page.getByRole('checkbox', { name: 'Select page' }).check()
    await page.getByRole('button', { name: 'Select all 30' }).click()
    await page.getByRole('button', { name: 'Delete 30 jobs…' }).click()
  }, 'Delete 30 waiting jobs'],
  ['purged', async (page) => {
    await page.getByRole('button', { name: 'More actions for orders' }).click()
    await page.getByRole('menuitem', { name: 'Purge queue…' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('orders')
  }, 'Purge 30 jobs'],
] as [string, (page: Page) => Promise<void>, string][]) {
  test(`30 times 9 MB that are ${what} can be deleted without a trash that keeps them`, async ({ redis, open }) => {
    test.setTimeout(90_000)
    for (let i = 0; i < 30; i += 1) {
      await redis.eval("redis.call('LPUSH', KEYS[1], '{\"id\":\"' .. ARGV[1] .. '\",\"x\":\"' .. string.rep('x', 9000000) .. '\"}')", { keys: ['queue:orders'], arguments: [`BIG-${i}`] })
    }
    const page = await open('/queues/orders?perPage=20')
    await opener(page)
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText(/You can restore them for an hour.* The trash keeps about [23]\d\d MB\./)
    await dialog.getByRole('checkbox', { name: /Delete without undo/ }).check()
    await expect(dialog).toContainText('They cannot be restored.')
    await dialog.getByRole('button', { name: primary }).click()
    await expect(toasts(page)).toContainText(/30 jobs/)
    await expect(toasts(page).getByRole('button', { name: 'Restore' })).toHaveCount(0)
    expect(await redis.keys('flux_console:*:trash*')).toEqual([])
    expect(await redis.keys('queue:orders*')).toEqual([])
  })
}
