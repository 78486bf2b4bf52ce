// Story: a job carries ten megabytes; what it carries is looked through on its own page.
import { make, payload } from './jobs'
import { expect, test } from './support'

test.use({ consoleArgs: ['--archive', 'off'] })

/** Rows with a level of their own, and a number that JavaScript would round. */
function tenMegabytes() {
  const rows = Array.from({ length: 60_000 }, (_, i) => ({ sku: `S-${i}`, lines: [{ note: 'x'.repeat(120) }, { amount: i }] }))
  const job = { id: 'HUGE', attempts: 3, error: 'boom', createdAt: 1795432800000, failedAt: 1795432801819, extra: { rows, total: '@' } }
  return payload('orders', job).replace('"@"', '9007199254740993123')
}

test('ten megabytes are opened level by level and searched', async ({ queues, redis, open, expectedErrors }) => {
  const job = tenMegabytes()
  expect(job.length).toBeGreaterThan(10_000_000)
  await redis.lPush(queues.key('orders', ':failed'), job)
  await queues.push('orders', make(1, 'OTHER'))
  const page = await open('/queues/orders/jobs/HUGE')
  const main = page.getByRole('main')
  const tree = main.locator('.tree')
  const opener = (name: string) => tree.getByRole('button', { name, exact: true })
  await expect(main).toContainText('too much to be edited here')
  expect((await page.content()).length).toBeLessThan(500_000)

  // Three levels down, and a hundred more rows.
  await expect(tree).toContainText('decoded from a JSON string')
  await expect(tree.locator('li', { hasText: 'total' })).toContainText('9007199254740993123')
  await opener('rows').click()
  await tree.getByRole('button', { name: 'Show 100 more of 59,900' }).click()
  await expect(tree.getByRole('button', { name: 'Show 100 more of 59,800' })).toBeVisible()
  await opener('103').click()
  await opener('lines').click()
  await expect(tree.getByText('{ 1 field }')).toHaveCount(2)
  await expect(tree).toContainText('"S-103"')

  // A search answers with the way to each value, and leaves the tree as it was.
  const search = page.getByLabel('Search payload')
  const status = main.getByRole('status')
  await search.fill('59999')
  await expect(status.filter({ hasText: '2 values match.' })).toBeVisible()
  await expect(tree).toContainText('rows[59999].sku')
  await expect(tree).toContainText('rows[59999].lines[1].amount')
  await search.fill('TOTAL')
  await expect(tree.locator('li')).toHaveCount(1)
  await expect(tree).toContainText('9007199254740993123')
  await expect(tree).toContainText('exact, 19 digits')
  await search.fill('sku')
  await expect(status.filter({ hasText: 'At least 51 values match.' })).toBeVisible()
  await search.fill('nowhere to be found')
  await expect(status.filter({ hasText: 'Nothing in the payload matches.' })).toBeVisible()
  await search.fill('')
  await expect(tree.getByText('{ 1 field }')).toHaveCount(2)

  // Meanwhile somebody deleted it: that is said, and what was read stays.
  expectedErrors.push(/404 \(Not Found\).*payload-level/)
  await redis.del(queues.key('orders', ':failed'))
  await opener('104').click()
  await expect(main.getByRole('alert')).toContainText('no longer where it was')
  await expect(main.getByRole('alert')).toContainText('What was opened stays as it was read.')
  await expect(tree.getByText('{ 1 field }')).toHaveCount(2)
})

test('the raw beginning of a large payload is there, and the tree again', async ({ queues, open }) => {
  await queues.fail('orders', [{ id: 'BIG', properties: { blob: 'x'.repeat(100_000), list: [1, 2] } }])
  const page = await open('/queues/orders/jobs/BIG')
  const main = page.getByRole('main')
  await expect(main.locator('.tree')).toContainText('decoded from a JSON string')
  await expect(main.getByLabel('Raw payload')).toBeHidden()
  await main.getByRole('link', { name: 'Raw' }).click()
  await expect(main.getByLabel('Raw payload')).toBeVisible()
  await expect(main.getByLabel('Raw payload')).toContainText('"id":"BIG"')
  await expect(main).toContainText('Showing 65.5 kB of 100 kB')
  await main.getByRole('link', { name: 'Tree' }).click()
  const tree = main.locator('.tree')
  await tree.getByRole('button', { name: 'data', exact: true }).click()
  await tree.getByRole('button', { name: 'properties', exact: true }).click()
  await expect(tree).toContainText('string, 100,000 characters, cut here')
  await tree.getByRole('button', { name: 'list', exact: true }).click()
  await expect(tree.locator('li')).toContainText(['1: 2'])
})

test('a large payload that is no JSON says so above its raw beginning', async ({ queues, redis, open, expectedErrors }) => {
  expectedErrors.push(/409 \(Conflict\).*payload-level/)
  await redis.lPush(queues.key('orders', ':failed'), `{"id":"TORN","x":"${'y'.repeat(100_000)}",}`)
  const page = await open('/queues/orders?state=failed')
  const main = page.getByRole('main')
  await main.locator('tbody').getByRole('link').first().click()
  await expect(main.getByRole('alert')).toContainText('not JSON at byte')
  await expect(main.getByLabel('Raw payload')).toBeVisible()
  await expect(main.getByLabel('Raw payload')).toContainText('"id":"TORN"')
  // Nothing that cannot help is offered.
  await expect(main.getByRole('button', { name: 'Try again' })).toHaveCount(0)
  await expect(main.getByLabel('Search payload')).toHaveCount(0)
})
