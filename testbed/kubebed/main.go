// Command kubebed is every Kubernetes component that the tests run, in one
// binary: `kubebed NAME FLAGS…`. One process runs one component, because the
// components' signal handlers panic when set up twice.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
)

var components = map[string]func() int{
	"etcd":                    etcd,
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"hollow-node":             hollowNode,
	"kubeadm":                 runKubeadm,
	"kubectl":                 func() int { return cli.Run(kubectl.NewDefaultKubectlCommand()) },
}

func main() {
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		names := make([]string, 0, len(components))
		for name := range components {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "usage: kubebed %s [FLAGS]\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	run := components[os.Args[1]]
	os.Args = os.Args[1:]
	os.Exit(run())
}

func runKubeadm() int {
	if err := kubeadm.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// etcd serves one member on loopback: `etcd CLIENT_PORT DATA_DIR`. Port 0 is any
// that is free: nobody else can come between. DATA_DIR/address holds the URL once
// it serves. It does not fsync: what is under test here is not durability.
func etcd() int {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: kubebed etcd CLIENT_PORT DATA_DIR")
		return 2
	}
	config := embed.NewConfig()
	config.Dir = filepath.Join(os.Args[2], "member.etcd")
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	// It would ask at the port that was configured.
	config.EnableGRPCGateway = false
	client := url.URL{Scheme: "http", Host: "127.0.0.1:" + os.Args[1]}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		<-server.Server.ReadyNotify()
		if err := writeAddress(os.Args[2], server.Clients[0].Addr().String()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	select {
	case <-ctx.Done():
		server.Close()
		return 0
	case err := <-server.Err():
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
}

// writeAddress lets the file appear with its content.
func writeAddress(dir, address string) error {
	name := filepath.Join(dir, "address")
	if err := os.WriteFile(name+".new", []byte("http://"+address), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
