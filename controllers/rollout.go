package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"oauth-operator.dev/api/v1alpha1"
)

// A role of its own, which is bound only where it is wanted.
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=list;patch,roleName=oauth-operator-controller-rollout-restart

// workload is what makes Pods of a template.
type workload struct {
	kind     string
	object   client.Object
	template *corev1.PodTemplateSpec
}

// workloadKind is a kind of workload, and how to list those of a namespace.
type workloadKind struct {
	resource string
	list     func(context.Context, client.Reader, string) ([]workload, error)
}

var workloadKinds = []workloadKind{
	{"deployments", func(ctx context.Context, r client.Reader, namespace string) (found []workload, err error) {
		var list appsv1.DeploymentList
		err = r.List(ctx, &list, client.InNamespace(namespace))
		for i := range list.Items {
			found = append(found, workload{"Deployment", &list.Items[i], &list.Items[i].Spec.Template})
		}
		return found, err
	}},
	{"statefulsets", func(ctx context.Context, r client.Reader, namespace string) (found []workload, err error) {
		var list appsv1.StatefulSetList
		err = r.List(ctx, &list, client.InNamespace(namespace))
		for i := range list.Items {
			found = append(found, workload{"StatefulSet", &list.Items[i], &list.Items[i].Spec.Template})
		}
		return found, err
	}},
	{"daemonsets", func(ctx context.Context, r client.Reader, namespace string) (found []workload, err error) {
		var list appsv1.DaemonSetList
		err = r.List(ctx, &list, client.InNamespace(namespace))
		for i := range list.Items {
			found = append(found, workload{"DaemonSet", &list.Items[i], &list.Items[i].Spec.Template})
		}
		return found, err
	}},
}

// restart has the Deployments, StatefulSets and DaemonSets of the client's
// namespace that use the Secret replace their Pods, as `kubectl rollout restart`
// does. Those that were restarted for this credential already are left alone, so
// that it can be repeated; where the controllers run without
// Options.RolloutRestart it does nothing. One kind that cannot be restarted keeps
// no other from it. An error says what is to be done about it.
func (t tools) restart(ctx context.Context, c *v1alpha1.OAuthClient, secretName, credentialID string) error {
	if !t.rolloutRestart {
		return nil
	}
	var errs []error
	for _, kind := range workloadKinds {
		// They are read live: a cache of all workloads would cost more than the
		// few times in a client's life that this is asked.
		found, err := kind.list(ctx, t.live, c.Namespace)
		if err != nil {
			errs = append(errs, notRestarted("list", kind.resource, c.Namespace, err))
			continue
		}
		for _, w := range found {
			if !usesSecret(&w.template.Spec, secretName) || w.template.Annotations[v1alpha1.AnnotationRestartedFor] == credentialID {
				continue
			}
			if err := t.restartOne(ctx, w, credentialID); err != nil {
				errs = append(errs, notRestarted("patch", kind.resource, c.Namespace, err))
				continue
			}
			log.FromContext(ctx).Info("Restarted a workload that uses the Secret of the client.",
				"kind", w.kind, "workload", w.object.GetName(), "secret", secretName)
		}
	}
	return errors.Join(errs...)
}

// restartOne changes the template, which is reason enough for new Pods. The patch
// is of that very object: of one that was made anew under the name, the Pods are
// new anyway.
func (t tools) restartOne(ctx context.Context, w workload, credentialID string) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": w.object.GetUID()},
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
			"annotations": map[string]string{v1alpha1.AnnotationRestartedFor: credentialID},
		}}},
	})
	if err != nil {
		return err
	}
	// Nobody reads workloads from the cache, so no read has to wait for this.
	err = t.client.Patch(ctx, w.object, client.RawPatch(types.MergePatchType, patch), client.DisableReadYourWritesConsistency)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// notRestarted says what kept workloads from being restarted.
func notRestarted(verb, resource, namespace string, err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("the workloads are not restarted: the controller has not the permission to %s %s (API group apps) in namespace %q: "+
			"install it with the role for rollout restarts bound there, or remove spec.rotation.rolloutRestart: %w",
			verb, resource, namespace, err)
	}
	return fmt.Errorf("restarting the workloads: %s %s in namespace %q: %w", verb, resource, namespace, err)
}

// usesSecret reports whether Pods get something of the Secret into their
// containers. A Secret that the kubelet alone uses, to pull an image, does not
// count.
func usesSecret(pod *corev1.PodSpec, name string) bool {
	mounts := func(v corev1.Volume) bool {
		switch {
		case v.Secret != nil:
			return v.Secret.SecretName == name
		case v.Projected != nil:
			return slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
				return s.Secret != nil && s.Secret.Name == name
			})
		}
		return false
	}
	hasInEnvironment := func(c corev1.Container) bool {
		return slices.ContainsFunc(c.EnvFrom, func(e corev1.EnvFromSource) bool {
			return e.SecretRef != nil && e.SecretRef.Name == name
		}) || slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool {
			return e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && e.ValueFrom.SecretKeyRef.Name == name
		})
	}
	return slices.ContainsFunc(pod.Volumes, mounts) ||
		slices.ContainsFunc(pod.InitContainers, hasInEnvironment) ||
		slices.ContainsFunc(pod.Containers, hasInEnvironment)
}
