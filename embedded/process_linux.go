package embedded

import (
	"os/exec"
	"syscall"
)

func dieWithParent(cmd *exec.Cmd, user *syscall.Credential) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: user}
}
