package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/configz"
	remote "k8s.io/cri-client/pkg"
	fakeremote "k8s.io/cri-client/pkg/fake"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	kubeletscheme "k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	cadvisortest "k8s.io/kubernetes/pkg/kubelet/cadvisor/testing"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/kubemark"
)

// hollowNode is kubemark's hollow kubelet with what kubemark leaves out: it
// serves TLS, authenticates and authorizes who asks it, and says what its
// configuration is, because the tests read kubelets.
func hollowNode() int {
	name := flag.String("name", "", "name of the node")
	kubeconfig := flag.String("kubeconfig", "", "path of a kubeconfig for system:node:NAME")
	port := flag.Int("port", 10250, "port of the kubelet")
	clientCA := flag.String("client-ca-file", "", "who signs the certificates of the kubelet's clients")
	config := flag.String("config", "", "path of a KubeletConfiguration in JSON; what it says replaces the defaults")
	flag.Parse()
	if err := runHollowNode(context.Background(), *name, *kubeconfig, *port, *clientCA, *config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runHollowNode(ctx context.Context, name, kubeconfig string, port int, clientCA, config string) error {
	clientConfig, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	clientConfig.QPS, clientConfig.Burst = 50, 100
	client, err := clientset.NewForConfig(clientConfig)
	if err != nil {
		return err
	}
	kubeletFlags, kubeletConfig := kubemark.GetHollowKubeletConfig(&kubemark.HollowKubeletOptions{
		NodeName: name, KubeletPort: port, MaxPods: 110,
	})
	// It has made its folders in /tmp.
	_ = os.RemoveAll(kubeletFlags.RootDirectory)
	if err := rooted(kubeletFlags, kubeletConfig); err != nil {
		return err
	}
	// The defaults are those of flags, which differ from those of a file.
	kubeletConfig.Authentication.X509.ClientCAFile = clientCA
	kubeletConfig.Authentication.Anonymous.Enabled = false
	kubeletConfig.Authentication.Webhook.Enabled = true
	kubeletConfig.Authorization.Mode = kubeletconfig.KubeletAuthorizationModeWebhook
	// The address that the kubelet gives its node: the API server comes there.
	if address, err := utilnet.ResolveBindAddress(net.IPv4(127, 0, 0, 1)); err == nil {
		kubeletConfig.Address = address.String()
	}
	if kubeletConfig, err = configured(kubeletConfig, config); err != nil {
		return err
	}

	endpoint := "unix://" + filepath.Join(kubeletFlags.RootDirectory, "cri.sock")
	containers := fakeremote.NewFakeRemoteRuntime()
	if err := containers.Start(endpoint); err != nil {
		return err
	}
	defer containers.Stop()
	runtimeService, err := remote.NewRemoteRuntimeServiceBuilder().
		WithEndpoint(endpoint).WithConnectionTimeout(15 * time.Second).Build(ctx)
	if err != nil {
		return err
	}
	hollow := kubemark.NewHollowKubelet(
		kubeletFlags, kubeletConfig, client, client,
		&cadvisortest.Fake{NodeName: name},
		containers.ImageService, runtimeService, cm.NewStubContainerManager(),
	)
	if hollow.KubeletDeps.TLSOptions, err = kubelet.InitializeTLS(ctx, kubeletFlags, kubeletConfig); err != nil {
		return err
	}
	auth, reload, err := kubelet.BuildAuth(types.NodeName(name), client, *kubeletConfig)
	if err != nil {
		return err
	}
	hollow.KubeletDeps.Auth = auth
	go reload(ctx.Done())
	if err := serveConfigz(kubeletConfig); err != nil {
		return err
	}
	hollow.Run(ctx)
	return nil
}

// rooted puts the kubelet's folders into a new one of the temporary directory.
func rooted(flags *options.KubeletFlags, config *kubeletconfig.KubeletConfiguration) error {
	root, err := os.MkdirTemp("", "kubelet-")
	if err != nil {
		return err
	}
	flags.RootDirectory = root
	flags.CertDirectory = filepath.Join(root, "pki")
	config.StaticPodPath = filepath.Join(root, "static-pods")
	config.PodLogsDir = filepath.Join(root, "pod-logs")
	for _, folder := range []string{config.StaticPodPath, config.PodLogsDir} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// configured is the configuration with what the file says.
func configured(base *kubeletconfig.KubeletConfiguration, file string) (*kubeletconfig.KubeletConfiguration, error) {
	if file == "" {
		return base, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	scheme, versioned, err := versionedConfig(base)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, versioned); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	internal := &kubeletconfig.KubeletConfiguration{}
	return internal, scheme.Convert(versioned, internal, nil)
}

func serveConfigz(config *kubeletconfig.KubeletConfiguration) error {
	_, versioned, err := versionedConfig(config)
	if err != nil {
		return err
	}
	served, err := configz.New("kubeletconfig")
	if err != nil {
		return err
	}
	return served.Set(versioned)
}

func versionedConfig(config *kubeletconfig.KubeletConfiguration) (*runtime.Scheme, *kubeletv1beta1.KubeletConfiguration, error) {
	scheme, _, err := kubeletscheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, nil, err
	}
	versioned := &kubeletv1beta1.KubeletConfiguration{}
	if err := scheme.Convert(config, versioned, nil); err != nil {
		return nil, nil, err
	}
	versioned.APIVersion, versioned.Kind = "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"
	return scheme, versioned, nil
}
