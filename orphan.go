// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"
)

// orphanTakes bounds the orderly end of a process whose Terraform is gone: an exchange may need a minute to
// bring the old container back. What has not ended then is interrupted, as after a crash.
const orphanTakes = 90 * time.Second

// orphan is a conductor whose operations nobody waits for any more.
type orphan interface{ Orphan(ctx context.Context) }

// endWithTerraform ends this process once the one that started it is gone: killed, or ended with its output
// closed. Nobody else would: Terraform tells a plugin of its own end, and of that there was none.
func (c *closers) endWithTerraform(gone <-chan struct{}) {
	<-gone
	ctx, cancel := context.WithTimeout(context.Background(), orphanTakes)
	defer cancel()
	c.orphan(ctx)
	c.close()
	os.Exit(1) //nolint:gocritic // The context is for what has ended.
}

// orphan ends what all conductors carry out.
func (c *closers) orphan(ctx context.Context) {
	c.mu.Lock()
	list := append([]io.Closer(nil), c.list...)
	c.mu.Unlock()
	var ending sync.WaitGroup
	for _, closer := range list {
		if o, ok := closer.(orphan); ok {
			ending.Go(func() { o.Orphan(ctx) })
		}
	}
	ending.Wait()
}
