// The real kube-apiserver.
package main

import (
	"os"
	_ "time/tzdata" // a CronJob's time zone is validated, also where the machine has no zones

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
