// Story: whatever is in Redis, the page stands.
import { make } from './jobs'
import { expect, test } from './support'

const markup = '</title></script><img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'

test('markup stays text in every field', async ({ queues, open }) => {
  const queue = `q ${markup}`
  await queues.fail(queue, [{ id: `id ${markup}`, className: markup, error: markup, priority: markup, groupId: markup, properties: { [markup]: markup } }])
  const page = await open('/queues')
  await page.getByRole('main').getByRole('link', { name: /onerror/ }).first().click()
  await page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Failed/ }).click()
  await expect(page.getByRole('row').filter({ hasText: 'onerror' })).not.toHaveCount(0)
  await page.getByRole('main').getByRole('link', { name: /onerror/ }).last().click()
  await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
  const untouched = async () => {
    expect(await page.title()).not.toBe('owned')
    expect(await page.locator('img[src=x]').count()).toBe(0)
  }
  await untouched()
  await open(`/search?q=${encodeURIComponent(markup)}`)
  await untouched()
  await open('/errors')
  await page.getByRole('main').getByRole('link', { name: /onerror/ }).first().click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('onerror')
  await page.reload()
  await expect(page.locator('html[data-hydrated]')).toBeAttached()
  await untouched()
})

test('payloads that are no JSON and keys of the wrong type are shown as what they are', async ({ queues, redis, open }) => {
  await queues.push('odd', make(1, 'FINE'))
  await redis.lPush('queue:odd', ['not json', '[]', '{"id": 9007199254740993, "data": "x"}', '{"id":"half'])
  await redis.set('queue:odd:failed', 'a string')
  await redis.hSet('queue:odd:delayed', 'a', 'hash')
  const page = await open('/queues/odd')
  await expect(page.getByRole('checkbox', { name: 'Select FINE-1' })).toBeVisible()
  await expect(page.getByRole('main')).toContainText('9007199254740993')
  await open('/queues/odd?state=failed')
  await expect(page.getByRole('main')).toContainText('The key queue:odd:failed holds something else than a list.')
})

test('ten megabytes and a thousand levels open', async ({ queues, open }) => {
  const deep = '['.repeat(1_000) + ']'.repeat(1_000)
  await queues.fail('big', [{ id: 'HUGE', properties: { blob: 'x'.repeat(10_000_000) } }])
  await queues.fail('big', [{ id: 'DEEP', properties: { deep: 'below' }, extra: { nested: JSON.parse(deep) } }])
  const page = await open('/queues/big?state=failed')
  await page.getByRole('link', { name: /HUGE/ }).first().click()
  await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
  await expect(page.getByRole('main')).toContainText(/MB/)
  // The page itself stays small.
  expect((await page.content()).length).toBeLessThan(2_000_000)
  await open('/queues/big/jobs/DEEP')
  await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
})

test('any Unicode is a queue name', async ({ queues, open }) => {
  const names = ['очередь', 'a/b', 'q?x=1#y', '100%', 'name with "quotes"', '🚀:naïve']
  for (const name of names) await queues.push(name, make(1, 'U'))
  const page = await open('/queues')
  for (const name of names) {
    await open('/queues')
    await page.getByRole('main').getByRole('link', { name, exact: true }).click()
    await expect(page.getByRole('heading', { level: 1 })).toContainText(name)
    await expect(page.getByRole('checkbox', { name: 'Select U-1' })).toBeVisible()
  }
})

// What has no width cannot be clicked, and what turns the direction hides what a name ends in.
const unseen: [name: string, shown: string][] = [
  [' ', '(blank: U+0020)'],
  ['\u200b', '(blank: U+200B)'],
  ['mail ', 'mail[space]'],
  ['mail', 'mail'],
  ['a\\b', 'a\\b'],
  ['a%20b', 'a%20b'],
  ['a\tb', 'a[tab]b'],
  ['\u202egnp.exe', '[U+202E]gnp.exe'],
]

test('names that cannot be seen can be read and clicked', async ({ queues, open }) => {
  for (const [name] of unseen) await queues.push(name, make(1, 'U'))
  const page = await open('/queues')
  for (const [name, shown] of unseen) {
    await open('/queues')
    const link = page.getByRole('main').getByRole('link', { name: shown, exact: true })
    await expect(link).toHaveCount(1)
    if (name !== shown) expect((await link.boundingBox())!.width).toBeGreaterThanOrEqual(24)
    expect(await link.getAttribute('title')).toBe(name)
    // It is drawn from left to right, with nothing that turns it.
    expect(await link.textContent()).toBe(shown)
    await link.click()
    await expect(page).toHaveURL(new RegExp(`/queues/${encodeURIComponent(name)}$`))
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(shown)
    await expect(page.getByRole('checkbox', { name: 'Select U-1' })).toBeVisible()
    expect(await page.title()).toContain(shown)
  }
  // A question names it as the page does.
  await page.getByRole('button', { name: 'Pause queue…' }).click()
  await expect(page.getByRole('dialog')).toContainText('Pause [U+202E]gnp.exe?')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  // REST keeps names as they are.
  const rest = await (await page.request.get(new URL('/api/v1/queues', page.url()).href)).json()
  expect(rest.queues.map((q: { name: string }) => q.name).sort()).toEqual(unseen.map(([name]) => name).sort())
})

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })

  test('names that cannot be seen can be read and clicked too', async ({ queues, page, visit }) => {
    for (const [name] of unseen) await queues.push(name, make(1, 'U'))
    for (const [, shown] of unseen) {
      await visit('/queues')
      await page.getByRole('main').getByRole('link', { name: shown, exact: true }).click()
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(shown)
      await expect(page.getByRole('main')).toContainText('U-1')
    }
  })
})

// A browser takes `.` and `..` out of a path, escaped or not.
test('queues and jobs whose names are dots have pages', async ({ queues, open }) => {
  const names = ['.', '..', '~.']
  for (const name of names) await queues.fail(name, [{ id: '..', error: 'dotted' }])
  for (const name of names) {
    const page = await open('/queues')
    await page.getByRole('main').getByRole('link', { name, exact: true }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name)
    await page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: /Failed/ }).click()
    await page.getByRole('main').getByRole('link', { name: /SendInvoice/ }).first().click()
    await expect(page.getByRole('main')).toContainText('dotted')
    await page.reload()
    await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
    await expect(page.getByRole('main').getByRole('link', { name, exact: true }).first()).toBeVisible()
  }
})

test('numbers that nobody can count to leave every page alive', async ({ queues, redis, open }) => {
  // A time in microseconds from another producer, attempts beyond 2^53, memory in bytes where MiB are meant.
  await queues.push('odd', [{ id: 'AGES', createdAt: -62135596800000000 }])
  await redis.rPush('queue:odd', '{"id":"MANY","attempts":9007199254740993,"maxAttempts":18446744073709551615,"delaySeconds":1e300,"createdAt":1e18}')
  await queues.fail('odd', [{ id: 'DEAD', attempts: Number.MAX_SAFE_INTEGER, error: 'x' }])
  const beat = { id: 'w-1', status: 'online', hostname: 'w', pid: 1e300, uptime: 2 ** 60, timestamp: new Date().toISOString(), queues: ['odd'], metrics: { cpu: 1e300, cores: 2 ** 63, ram: { rss: 1.6e16, heapUsed: 1.6e16, total: 1.6e16 } } }
  await redis.set('flux_console:worker:w-1', JSON.stringify(beat), { EX: 30 })
  for (const path of ['/', '/queues', '/queues/odd', '/queues/odd/jobs/MANY', '/queues/odd/jobs/AGES', '/queues/odd?state=failed', '/workers', '/search?q=DEAD']) {
    await open(path)
  }
  const page = await open('/queues/odd')
  await queues.push('odd', make(1, 'NEXT'))
  await expect(page.getByRole('checkbox', { name: 'Select NEXT-1' })).toBeVisible()
})

test('texts of nothing that can be shown leave every page alive', async ({ queues, redis, open }) => {
  const nul = String.fromCharCode(0)
  await queues.fail(nul, [{ id: nul, className: nul, error: nul, groupId: nul, extra: { stack: nul } }])
  await queues.fail('odd', [{ id: `a${nul}b`, className: nul, error: `${nul}${nul}` }])
  await redis.rPush('queue:odd', [nul, String.fromCharCode(10), String.fromCharCode(13)])
  for (const path of ['/', '/queues', '/queues/odd', '/queues/odd?state=failed', '/queues/%00?state=failed', '/errors', '/search?q=odd']) await open(path)
  const page = await open('/queues/odd')
  const jobs = await page.getByRole('main').locator('tr[data-row] a.name').evaluateAll((all) => all.map((a) => a.getAttribute('href')!))
  expect(jobs.length).toBe(3)
  for (const job of jobs) await open(job)
})

test('an error of megabytes is cut on its page', async ({ queues, open }) => {
  await queues.fail('big', [{ id: 'LOUD', error: 'x'.repeat(10_000_000), extra: { stack: 'y'.repeat(3_000_000) } }])
  const page = await open('/queues/big/jobs/LOUD')
  await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
  await expect(page.getByRole('main')).toContainText('the payload has the rest')
  expect((await page.content()).length).toBeLessThan(2_000_000)
})
