// Story: select, delete, change one's mind.
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

test('selected jobs are deleted and restored', async ({ queues, redis, open }) => {
  await queues.push('orders', make(6, 'ORD'))
  const before = await redis.lRange('queue:orders', 0, -1)
  const page = await open('/queues/orders')
  for (const n of [2, 4, 5]) await page.getByRole('checkbox', { name: `Select ORD-${n}` }).check()
  await confirm(page, /^Delete 3 jobs/, /^Delete 3 jobs/, /restore them/)

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
