// A relying party made of npm's openid-client. See ../doc.go for how it is told what
// to do, and how it asks for a person with a browser.
import * as oidc from 'openid-client'
import { createInterface } from 'node:readline'

const told = JSON.parse(process.env.FOREIGN_CLIENT)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const did = (what) => console.log(`did ${what}`)
const visit = async (address) => {
  console.log(`visit ${address}`)
  return new URL((await lines.next()).value)
}

const key = (pem) =>
  crypto.subtle.importKey('pkcs8', Buffer.from(pem.replace(/-----.*?-----|\s/g, ''), 'base64'),
    { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])

const discover = async (client) => {
  const authentication = client.privateKey
    ? oidc.PrivateKeyJwt({ key: await key(client.privateKey), kid: client.keyID })
    : client.secret ? oidc.ClientSecretBasic(client.secret) : oidc.None()
  // The issuer of the tests is on loopback, without TLS.
  return oidc.discovery(new URL(told.issuer), client.id, undefined, authentication, { execute: [oidc.allowInsecureRequests] })
}

const config = await discover(told.client)
did('discovery')

if (told.device) {
  const device = await oidc.initiateDeviceAuthorization(config, { scope: told.scope })
  console.log(`connect ${device.verification_uri_complete}`)
  await lines.next()
  const tokens = await oidc.pollDeviceAuthorizationGrant(config, device)
  if (!tokens.claims().sub) throw new Error('there is no ID token')
  did('device')
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  if (fresh.refresh_token === tokens.refresh_token) throw new Error('the refresh token was not rotated')
  did('refresh')
  process.exit(0)
}

const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
const expectedState = oidc.randomState()
const expectedNonce = oidc.randomNonce()
const callback = await visit(oidc.buildAuthorizationUrl(config, {
  redirect_uri: told.redirectURI, scope: told.scope, state: expectedState, nonce: expectedNonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  ...(told.resource && { resource: told.resource }),
}))
const tokens = await oidc.authorizationCodeGrant(config, callback, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true })
did('code')

if (told.exchange) {
  const api = await discover(told.exchange.client)
  const swapped = await oidc.genericGrantRequest(api, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: tokens.access_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: told.exchange.to,
  })
  if (!swapped.access_token) throw new Error('nothing was exchanged')
  did('exchange')
} else {
  const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  if (info.email !== told.email) throw new Error('userinfo is of somebody else')
  did('userinfo')
}

const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
if (fresh.refresh_token === tokens.refresh_token) throw new Error('the refresh token was not rotated')
did('refresh')

const active = async (token) => (await oidc.tokenIntrospection(config, token)).active
if (!(await active(fresh.refresh_token))) throw new Error('a good refresh token is not active')
await oidc.tokenRevocation(config, fresh.refresh_token)
if (await active(fresh.refresh_token)) throw new Error('a revoked refresh token is active')
did('introspection')
try {
  await oidc.refreshTokenGrant(config, fresh.refresh_token)
  throw new Error('a revoked refresh token is good')
} catch (err) {
  if (err.error !== 'invalid_grant') throw err
}
did('revocation')

const after = await visit(oidc.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token, post_logout_redirect_uri: told.postLogoutRedirectURI, state: 'bye',
}))
if (after.href !== `${told.postLogoutRedirectURI}?state=bye`) throw new Error('the logout ended elsewhere')
did('logout')
process.exit(0)
