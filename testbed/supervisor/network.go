package main

import (
	"golang.org/x/sys/unix"
)

// setUpNetwork makes a new network namespace usable: loopback, and the addresses
// 10.88.0.0/24 beside it, which may be endpoints of Services as loopback's may not.
func setUpNetwork() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback); err != nil {
		return err
	}
	// An alias of loopback: all addresses of its network are this machine's.
	alias, err := unix.NewIfreq("lo:1")
	if err != nil {
		return err
	}
	for _, set := range []struct {
		what    uint
		address []byte
	}{
		{unix.SIOCSIFADDR, []byte{10, 88, 0, 1}},
		{unix.SIOCSIFNETMASK, []byte{255, 255, 255, 0}},
	} {
		if err := alias.SetInet4Addr(set.address); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, set.what, alias); err != nil {
			return err
		}
	}
	return nil
}
