// Story: say what is too much, see what that would have meant, and be told when it happens.
import { make } from './jobs'
import { expect, test, toasts } from './support'

const rules = 'gravito:zenith:alerts:rules'

test('a rule is previewed, saved, fires on the bell and in the history, and is resolved', async ({ queues, redis, open }) => {
  test.setTimeout(90_000)
  await queues.push('orders', make(2, 'ORD'))
  // What the original counted a while ago: the preview reads it.
  const minute = Math.floor(Date.now() / 60_000)
  for (const [back, failed] of [[30, 0], [20, 9], [19, 0]]) await redis.set(`flux_console:metrics:failed:${minute - back}`, String(failed), { EX: 3600 })
  const page = await open('/')
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await expect(page).toHaveURL(/\/alerts$/)
  const main = page.getByRole('main')
  await expect(main.getByRole('table', { name: 'Rules' })).toContainText('High Failure Rate')
  await expect(main).toContainText('These are the default rules')

  await main.getByRole('link', { name: 'New rule' }).click()
  await main.getByLabel('What is watched').selectOption('failure')
  await main.getByLabel('Threshold').fill('0')
  await expect(main).toContainText('The threshold is a number of jobs, 1 or more.')
  await main.getByLabel('Threshold').fill('5')
  await expect(main.getByRole('region', { name: 'What it would have done' })).toContainText(/It would have fired once in the last/)
  await page.screenshot({ path: 'end2end/report/shots/alerts-preview.png' })
  // Single queues are not recorded, and it says so.
  await main.getByLabel('Queue', { exact: true }).fill('ord*')
  await expect(main.getByRole('region', { name: 'What it would have done' })).toContainText('nothing can be said of the past')
  await main.getByRole('button', { name: 'Save rule' }).click()
  await expect(main).toContainText('A rule has a name of 1 to 100 characters.')
  await main.getByLabel('Name').fill('Orders fail')
  await main.getByRole('button', { name: 'Save rule' }).click()
  await expect(page).toHaveURL(/\/alerts$/)
  const row = main.getByRole('table', { name: 'Rules' }).getByRole('row', { name: /Orders fail/ })
  await expect(row).toContainText('Quiet')
  const stored = JSON.parse((await redis.get(rules))!)
  expect(stored.map((r: any) => r.name)).toEqual(['High Failure Rate', 'Queue Backlog Warning', 'All Workers Offline', 'Orders fail'])
  expect(stored[3]).toMatchObject({ type: 'failure', threshold: 5, queue: 'ord*', cooldownMinutes: 30 })

  await queues.fail('orders', make(7, 'DEAD'))
  const text = '7 failed jobs in orders when it fired (limit 5).'
  await expect(toasts(page)).toContainText(text, { timeout: 15_000 })
  await expect(row).toContainText('Firing')
  const bell = page.getByRole('banner').getByRole('button', { name: 'Alerts: 1 firing' })
  await bell.click()
  const list = page.getByRole('region', { name: 'Alerts' })
  await expect(list.getByRole('list', { name: 'Firing' })).toContainText(text)
  // What fires is not said twice.
  await expect(list).toContainText('Nothing else was said yet.')
  await page.screenshot({ path: 'end2end/report/shots/alerts-bell.png' })
  await page.keyboard.press('Escape')
  await expect(list).toBeHidden()
  await expect(main.getByRole('table', { name: /What was said/ })).toContainText(text)
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Alerts' })).toContainText('1')

  // Nothing is said again to who opens a page now.
  await open('/')
  await expect(page.getByRole('list', { name: 'Needs attention' })).toContainText(`Orders fail: ${text}`)
  await page.waitForTimeout(3_000)
  await expect(toasts(page)).not.toContainText('in orders')

  await redis.del('queue:orders:failed')
  await expect(toasts(page)).toContainText('orders has 0 failed jobs again', { timeout: 15_000 })
  await expect(page.getByRole('banner').getByRole('button', { name: 'Alerts', exact: true })).toBeVisible()
  await page.getByRole('banner').getByRole('button', { name: 'Alerts', exact: true }).click()
  await expect(list.getByRole('list', { name: 'Earlier' }).getByRole('listitem')).toContainText(['orders has 0 failed jobs again', text])
  await page.keyboard.press('Escape')
  await open('/alerts')
  await expect(main.getByRole('table', { name: /What was said/ }).getByRole('row')).toHaveCount(3)
})

test('a rule is changed, turned off and deleted; what others wrote stays', async ({ queues, redis, open, expectedErrors }) => {
  expectedErrors.push(/409 \(Conflict\).*alerts\/rules\/save/)
  const theirs = { id: 'm', name: 'Moon', type: 'moon_phase', threshold: 1 }
  const backlog = { id: 'b', name: 'Backlog', type: 'backlog', threshold: 3, cooldownMinutes: 60, theirs: { x: [] } }
  await redis.set(rules, JSON.stringify([theirs, backlog]))
  await queues.push('orders', make(5, 'ORD'))
  const page = await open('/alerts')
  const main = page.getByRole('main')
  await expect(main).toContainText('Moon: this rule is of the type moon_phase')
  await expect(main.getByRole('list', { name: 'Firing' })).toContainText('5 waiting jobs in all queues when it fired (limit 3).', { timeout: 15_000 })

  await main.getByRole('link', { name: 'Backlog' }).click()
  await expect(main.getByLabel('Threshold')).toHaveValue('3')
  // Somebody else changes the rules while the form is open.
  await redis.set(rules, JSON.stringify([backlog]))
  await main.getByLabel('Threshold').fill('50')
  await main.getByRole('button', { name: 'Save rule' }).click()
  await expect(main.getByRole('alert')).toContainText('changed by somebody else')
  await main.getByRole('link', { name: 'Cancel' }).click()
  await open('/alerts?edit=b')
  await main.getByLabel('Threshold').fill('50')
  await main.getByRole('button', { name: 'Save rule' }).click()
  await expect(page).toHaveURL(/\/alerts$/)
  expect(JSON.parse((await redis.get(rules))!)).toEqual([{ ...backlog, threshold: 50 }])
  await expect(main.getByRole('table', { name: /What was said/ })).toContainText('All queues together have 5 waiting jobs again', { timeout: 15_000 })

  await main.getByRole('button', { name: 'Turn off Backlog' }).click()
  await expect(main.getByRole('row', { name: /Backlog/ }).first()).toContainText('Off')
  expect(JSON.parse((await redis.get(rules))!)[0].enabled).toBe(false)
  await main.getByRole('button', { name: 'Delete Backlog' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Delete the rule Backlog?')
  await dialog.getByRole('button', { name: 'Delete rule' }).click()
  await expect(dialog).toBeHidden()
  await expect(main).toContainText('No rules')
  expect(await redis.get(rules)).toBe('[]')
})

test('rules that cannot be read are said and kept', async ({ queues, redis, open }) => {
  await redis.set(rules, '{oops')
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/alerts')
  await expect(page.getByRole('alert').first()).toContainText('does not hold a JSON array')
  await page.getByRole('button', { name: 'Turn off High Failure Rate' }).click()
  await expect(page.getByRole('row', { name: /High Failure Rate/ })).toContainText('Off')
  const kept = (await redis.keys('flux_console:*:alerts:rules-before:*'))[0]
  expect(await redis.get(kept)).toBe('{oops')
})

test.describe('without a script', () => {
  test.use({ javaScriptEnabled: false })
  test('alerts read', async ({ queues, redis, visit }) => {
    await redis.set(rules, JSON.stringify([{ id: 'b', name: 'Backlog', type: 'backlog', threshold: 3, cooldownMinutes: 60 }]))
    await queues.push('orders', make(5, 'ORD'))
    const page = await visit('/alerts')
    const main = page.getByRole('main')
    await expect(async () => {
      await page.reload()
      await expect(main.getByRole('list', { name: 'Firing' })).toContainText('5 waiting jobs in all queues', { timeout: 500 })
    }).toPass({ timeout: 15_000 })
    await expect(main.getByRole('table', { name: 'Rules' })).toContainText('3 waiting jobs or more')
    await expect(main.getByRole('table', { name: /What was said/ })).toContainText('5 waiting jobs in all queues when it fired (limit 3).')
    await page.goto(new URL('/alerts?edit=b', page.url()).href)
    await expect(main).toContainText('Saving a rule needs JavaScript')
    await expect(main.getByLabel('Threshold')).toHaveValue('3')
  })
})
