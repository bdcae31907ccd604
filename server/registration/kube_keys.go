package registration

import (
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/assertion"
)

// compileKeys compiles what verifies the assertions of a client: keys of its own,
// an address that has them, or a ServiceAccount that the cluster vouches for. Keys
// that are not good were refused before; one that is not would not be used.
func compileKeys(c *Client, oac *v1alpha1.OAuthClient) {
	if oac.EffectiveAuthMethod() != v1alpha1.AuthMethodPrivateKeyJWT {
		return
	}
	switch ref := oac.Spec.ServiceAccountRef; {
	case ref != nil:
		c.ServiceAccount = v1alpha1.ServiceAccountSubject(oac.Namespace, ref.Name)
		return
	case oac.Spec.JWKSURI != "":
		c.JWKSURI, c.AssertionAlg = oac.Spec.JWKSURI, string(oac.Spec.TokenEndpointAuthSigningAlg)
		return
	case oac.Spec.JWKS == nil:
		return
	}
	for i := range oac.Spec.JWKS.Keys {
		k := &oac.Spec.JWKS.Keys[i]
		public, err := validation.PublicKey(k)
		if err != nil {
			continue
		}
		alg := string(oac.Spec.TokenEndpointAuthSigningAlg)
		if alg == "" {
			alg = string(k.Algorithm)
		}
		if alg != "" && k.Algorithm != "" && alg != string(k.Algorithm) {
			continue // a key for another algorithm than the client's
		}
		c.Keys = append(c.Keys, assertion.Key{ID: k.KeyID, Alg: alg, Public: public})
	}
}
