// Story: a colleague sends a link.
import { make } from './jobs'
import { expect, test } from './support'

test('a link opens the same state, page and page size', async ({ queues, open }) => {
  await queues.fail('orders', make(50, 'DEAD'))
  const page = await open('/queues/orders?state=failed&page=2&perPage=20')
  // Newest first: 50 to 31 are on the first page.
  await expect(page.getByRole('checkbox', { name: /^Select DEAD-/ })).toHaveCount(20)
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-30' })).toBeVisible()
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-31' })).toHaveCount(0)

  await page.getByRole('link', { name: /next/i }).click()
  await expect(page).toHaveURL(/page=3/)
  await expect(page.getByRole('checkbox', { name: /^Select DEAD-/ })).toHaveCount(10)
  await page.goBack()
  await expect(page).toHaveURL(/page=2/)
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-30' })).toBeVisible()
})

test('a deep page of a long list opens at once', async ({ queues, open }) => {
  await queues.push('bulk', make(20_000, 'B'))
  const page = await open('/queues/bulk?page=399')
  // Fifty a page, what runs next first.
  await expect(page.getByRole('checkbox', { name: 'Select B-19901' })).toBeVisible()
  await expect(page.getByRole('checkbox', { name: /^Select B-/ })).toHaveCount(50)
})

test('a link to a job without its place still finds it', async ({ queues, open }) => {
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues/orders/jobs/DEAD-2')
  await expect(page.getByRole('main')).toContainText('PaymentTimeout')
})

test('an id that names several jobs asks which one', async ({ queues, open }) => {
  await queues.push('orders', [{ id: 'TWIN', className: 'First' }, { id: 'TWIN', className: 'Second' }])
  const page = await open('/queues/orders/jobs/TWIN')
  await expect(page.getByRole('main').getByRole('link', { name: /First|Second|TWIN/ })).not.toHaveCount(0)
  await expect(page.getByRole('main')).toContainText('First')
  await expect(page.getByRole('main')).toContainText('Second')
})

test('a link with nonsense in it opens the page all the same', async ({ queues, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  const page = await open('/queues/orders?state=nonsense&page=-4&perPage=7&order=sideways')
  await expect(page.getByRole('checkbox', { name: 'Select ORD-1' })).toBeVisible()
})
