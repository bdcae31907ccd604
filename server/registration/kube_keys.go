package registration

import (
	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/api/validation"
	"oauth-operator.dev/server/assertion"
)

// compileKeys returns what verifies the assertions of a client: keys of its own,
// or a ServiceAccount that the cluster vouches for. Keys that are not good were
// refused before; one that is not would not be used.
func compileKeys(oac *v1alpha1.OAuthClient) (keys []assertion.Key, serviceAccount string) {
	if oac.EffectiveAuthMethod() != v1alpha1.AuthMethodPrivateKeyJWT {
		return nil, ""
	}
	if ref := oac.Spec.ServiceAccountRef; ref != nil {
		return nil, v1alpha1.ServiceAccountSubject(oac.Namespace, ref.Name)
	}
	if oac.Spec.JWKS == nil {
		return nil, ""
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
		keys = append(keys, assertion.Key{ID: k.KeyID, Alg: alg, Public: public})
	}
	return keys, ""
}
