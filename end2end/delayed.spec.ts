// Story: a delayed job should run now.
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

test('a delayed job runs now', async ({ queues, redis, open }) => {
  await queues.delay('mail', make(2, 'LATER'))
  const page = await open('/queues/mail?state=delayed')
  await page.getByRole('link', { name: /LATER-1/ }).first().click()
  await page.getByRole('button', { name: /^Run now|^Run job now/ }).click()
  await expect(toasts(page)).toContainText('Job LATER-1 is waiting in mail')
  expect(await queues.waiting('mail')).toBe(1)
  expect(await redis.zCard('queue:mail:delayed')).toBe(1)
})

test('a job that is due is left to the worker', async ({ queues, redis, open }) => {
  await queues.worker('w-1', ['mail'])
  await queues.delay('mail', make(1, 'DUE'), -5_000)
  const page = await open('/queues/mail?state=delayed')
  await page.getByRole('checkbox', { name: 'Select DUE-1' }).check()
  await confirm(page, 'Run 1 job now…', /^Run 1 job/, /mail/)
  await expect(toasts(page)).toContainText('1 is due: a worker takes it next.')
  expect(await redis.zCard('queue:mail:delayed')).toBe(1)
})
