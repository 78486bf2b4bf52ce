// Story: stop a queue, let it run again.
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

const flags = ['queue:orders:critical:paused', 'queue:orders:high:paused', 'queue:orders:paused', 'queue:orders:low:paused']

test('a queue is paused on all its lists and resumed', async ({ queues, redis, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  const page = await open('/queues/orders')
  const dialog = page.getByRole('dialog')
  const pause = page.getByRole('button', { name: 'Pause queue…' })
  const resume = page.getByRole('button', { name: 'Resume queue…' })

  await confirm(page, 'Pause queue…', 'Pause queue', /Pause orders\?.*stop taking its 2 waiting jobs, all four lists\. Jobs that run now go on; delayed jobs that come due run all the same\./)
  await expect(resume).toBeVisible()
  expect(await redis.mGet(flags)).toEqual(['1', '1', '1', '1'])
  await expect(page.getByRole('main')).toContainText('Paused')
  await expect(toasts(page)).toContainText('2 jobs wait until it is resumed.')
  // What a pause does not stop is said on the page, not only in passing.
  const meaning = page.getByText('Workers take no waiting job. Delayed jobs that are due run all the same.')
  await expect(meaning).toBeVisible()

  // Enter says yes.
  await resume.click()
  await expect(dialog).toContainText('Resume orders?')
  await expect(dialog).toContainText('Workers take its 2 waiting jobs again.')
  await expect(dialog.getByRole('button', { name: 'Resume queue' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(pause).toBeVisible()
  expect(await redis.exists(flags)).toBe(0)
  await expect(meaning).toHaveCount(0)

  // The way back of a pause is one click.
  await confirm(page, 'Pause queue…', 'Pause queue', /Pause orders\?/)
  await toasts(page).getByRole('button', { name: 'Resume', exact: true }).first().click()
  await expect.poll(() => redis.exists(flags)).toBe(0)
  await expect(pause).toBeVisible()
})

test('who changes their mind changes nothing', async ({ queues, redis, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/queues/orders')
  const dialog = page.getByRole('dialog')
  const keys = async () => (await redis.keys('queue:*')).sort()
  const before = await keys()
  await page.getByRole('button', { name: 'Pause queue…' }).click()
  await expect(dialog).toContainText('its 1 waiting job, all four lists')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
  await page.getByRole('button', { name: 'Pause queue…' }).click()
  await expect(dialog).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  expect(await keys()).toEqual(before)

  // The same from the list, and of a queue that is paused.
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Queues/ }).click()
  await page.getByRole('button', { name: 'More actions for orders' }).click()
  await page.getByRole('menuitem', { name: 'Pause queue…' }).click()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
  expect(await keys()).toEqual(before)
  for (const flag of flags) await redis.set(flag, '1')
  await expect(page.getByRole('row').filter({ hasText: 'orders' })).toContainText('Paused', { timeout: 10_000 })
  await page.getByRole('button', { name: 'More actions for orders' }).click()
  await page.getByRole('menuitem', { name: 'Resume queue…' }).click()
  await expect(dialog).toContainText('Workers take its 1 waiting job again.')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toBeHidden()
  expect(await redis.mGet(flags)).toEqual(['1', '1', '1', '1'])
})

test('a queue that is paused in part says so, and is paused whole', async ({ queues, redis, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  await redis.set('queue:orders:paused', '1')
  const page = await open('/queues/orders')
  await expect(page.getByRole('main')).toContainText('Partly paused')
  await expect(page.getByText('workers go on with the others. Delayed jobs that are due run all the same.')).toBeVisible()
  await page.getByRole('button', { name: 'More actions for orders' }).click()
  await page.getByRole('menuitem', { name: 'Pause all four lists…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Pause all four lists of orders?')
  await dialog.getByRole('button', { name: 'Pause all four lists' }).click()
  await expect(dialog).toBeHidden()
  expect(await redis.mGet(flags)).toEqual(['1', '1', '1', '1'])
})
