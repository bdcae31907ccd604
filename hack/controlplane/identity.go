package controlplane

import (
	"fmt"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// ServiceAccount is the user name and the groups under which the API server
// knows a service account. Its results are the arguments of [ControlPlane.User]
// and [ControlPlane.Kubeconfig].
func ServiceAccount(namespace, name string) (user string, groups []string) {
	return "system:serviceaccount:" + namespace + ":" + name,
		[]string{"system:serviceaccounts", "system:serviceaccounts:" + namespace}
}

// User is the way to the API server of somebody who may do what RBAC grants to
// that name and those groups, and nothing else.
func (c *ControlPlane) User(name string, groups []string) (*rest.Config, error) {
	user, err := c.identify(name, groups)
	if err != nil {
		return nil, err
	}
	return unlimited(user.Config()), nil
}

// Kubeconfig is [ControlPlane.User] as the text of a kubeconfig file, for a
// program that runs as a process of its own.
func (c *ControlPlane) Kubeconfig(name string, groups []string) ([]byte, error) {
	user, err := c.identify(name, groups)
	if err != nil {
		return nil, err
	}
	return user.KubeConfig()
}

// AdminKubeconfig is the text of a kubeconfig file for an administrator.
func (c *ControlPlane) AdminKubeconfig() []byte {
	return c.env.KubeConfig
}

func (c *ControlPlane) identify(name string, groups []string) (*envtest.AuthenticatedUser, error) {
	user, err := c.env.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	if err != nil {
		return nil, fmt.Errorf("make an identity for %s: %w", name, err)
	}
	return user, nil
}

// unlimited is a copy of config that leaves it to the API server to say when
// requests come too fast.
func unlimited(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	return config
}
