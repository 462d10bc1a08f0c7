// Command coredns is CoreDNS with the plug-ins that a cluster needs and no cloud's: it builds in a
// fraction of the time of the stock one.
package main

import (
	"github.com/coredns/coredns/coremain"
	"github.com/coredns/coredns/core/dnsserver"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

// The order of the chain, as in CoreDNS's own plugin.cfg.
var directives = []string{
	"reload", "bind", "health", "ready", "errors", "log", "cache", "template", "kubernetes", "forward",
}

func main() {
	dnsserver.Directives = directives
	coremain.Run()
}
