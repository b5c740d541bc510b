import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { pythonPackages } from '../../hostile/servers/python-packages.js'
import { signIn } from '../../support/sign-in.js'
import { type LoginClient, redirectUri, type SessionReport } from './login-clients.js'

const Line = z.union([
  z.object({ authorize: z.string() }),
  z.object({ calls: z.array(z.string()), traffic: z.array(z.string()), token: z.string() }),
])

/** The Python SDK. Its program opens no browser: it says which page it would open, and is told what came of it. */
export const pythonSdk =
  (mode: 'legacy' | 'auto'): LoginClient =>
  async session => {
    const env = { ...process.env, PYTHONPATH: await pythonPackages(), PYTHONDONTWRITEBYTECODE: '1' }
    const plan = JSON.stringify({ ...session, mode, redirectUri })
    const child = spawn('python3', [join(import.meta.dirname, 'python_login_client.py'), plan], {
      env,
      timeout: 60_000,
    })
    let complaints = ''
    child.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk.toString('utf8')
    })
    let report: SessionReport | undefined
    for await (const text of createInterface({ input: child.stdout })) {
      const line = Line.parse(JSON.parse(text))
      if ('calls' in line) report = line
      else if (session.login.way === 'person') {
        const answer = await signIn(line.authorize, redirectUri, session.login.person)
        child.stdin.write(`${JSON.stringify(Object.fromEntries(answer))}\n`)
      } else throw new Error('a client with a secret asked for a browser')
    }
    if (report === undefined) throw new Error(`the Python client said nothing: ${complaints.slice(-2_000)}`)
    return report
  }
