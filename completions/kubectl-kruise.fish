# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_kruise_global_optspecs
    string join \n n/namespace= context= cluster= user= kubeconfig= s/server= token= as= as-group= insecure-skip-tls-verify certificate-authority= client-certificate= client-key= tls-server-name= cache-dir= request-timeout= color= v/v= h/help V/version
end

function __fish_kubectl_kruise_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_kruise_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_kruise_using_subcommand
    set -l cmd (__fish_kubectl_kruise_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -f -a "rollout" -d 'Carry a release through: approve, status, watch, rollback ...'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -f -a "version" -d 'Show version'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -f -a "completion" -d 'Print a completion script'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_needs_command" -f -a "__complete" -d 'Answer kubectl\'s completion (cobra\'s protocol)'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "run" -d 'Drive releases without a controller in the cluster'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "approve" -d 'Let a paused step go on'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "status" -d 'Show where a release is; the exit code says it too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "explain" -d 'Say why a release does not go on, who acts next, and what to type'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "watch" -d 'Follow a release live'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "gate" -d 'Measure the metrics of a release now; the exit code says what they mean'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "rollback" -d 'Leave the release that is under way: back to the stable version'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "undo" -d 'Go back to an earlier revision of a workload'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "pause" -d 'Freeze a release, or a workload\'s update, where it is'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "resume" -d 'Let what is paused go on'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "restart" -d 'Replace all pods, step by step where a Rollout stands behind them'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "history" -d 'Show the revisions of a workload: images, pods, which of them runs'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "plan" -d 'Tell what a release will do, before it does it'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "lint" -d 'Say what is wrong with manifests, or with what a cluster has, before a release begins'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "demo" -d 'Run a release in an in-memory cluster'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "rehearse" -d 'Carry out a release in a copy of the cluster, with faults of your choice'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "set" -d 'Start a release: change what a workload runs'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "apply" -d 'Apply manifests; a new version of a workload that a Rollout names is held back'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "manifests" -d 'Print what a cluster may be given: crds, policy, rbac, engine'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "schema" -d 'Print the JSON schema of what status, history or plan print with -o json'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "version" -d 'Show version'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and not __fish_seen_subcommand_from run approve status explain watch gate rollback undo pause resume restart history plan lint demo rehearse set apply manifests schema version completion" -f -a "completion" -d 'Print a completion script'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l timeout -d 'Give up after this time, with exit code 124; another run takes over where this one stopped' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l plan -d 'Only if everything is as this plan rests on, kept by plan --out; names the Rollout, too, if nothing else does' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l analysis -d 'Judge steps by the AnalysisTemplates of this file, instead of those that Rollouts name; it may hold programs to run' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l scripts -d 'Scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l forever -d 'Go on for ever, for new releases too; leases share the Rollouts out among several processes'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l force -d 'Act although it cannot be told whether a controller in the cluster does'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l step -d 'Only if this step (1-based) is the one that is paused' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l revision -d 'Only if this is the new revision, as `status` shows it' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l to -d 'Go on with step N, leaving out the steps between' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l plan -d 'Only if everything is as this plan rests on, kept by plan --out; names the Rollout, too, if nothing else does' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l timeout -d 'Give up after this time, with exit code 124' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l scripts -d 'With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l all-steps -d 'Stay, and approve every later step that waits for an approval too; timed pauses pass by themselves'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l no-wait -d 'Do not look whether the step was left: exactly one read and one write'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l standalone -d 'Then drive the release to its next stop, in this process'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from approve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l until -d 'Wait for paused, step=N, traffic>=PERCENT, healthy or gone' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l timeout -d 'Give up after this time, with exit code 124' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s o -l output -d 'Print as wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s w -l watch -d 'Wait until no release is under way, one line per change; with -o json one document a line'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l fail-fast -d 'Stop waiting, with exit code 5, as soon as a cause is seen that waiting does not cure, or one of several is lost'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l timeout -d 'Give up after this time, with exit code 124' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s o -l output -d 'Print as wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s o -l output -d 'Print every change as one line of JSON' -r -f -a "json\t'One JSON document a line'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l timeout -d 'Give up after this time, with exit code 124' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l auto-approve -d 'Measure the metrics of paused steps that a controller carries out; approve what passes, roll back what fails'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l template -d 'A file of AnalysisTemplates, - for stdin, or the name of one in the cluster; without it those that the Rollout names' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l arg -d 'Give a template\'s arg; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l step -d 'As if the release were at this step' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -s o -l output -d 'Print as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from gate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l to-revision -d 'To this revision of the workload, as `history` shows it, instead of the stable one' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l to-step -d 'To an earlier step of the same release; the new version stays' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l timeout -d 'Give up waiting after this time, with exit code 124' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l scripts -d 'With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l fast -d 'To the earlier step with the most new pods and no traffic to them: blue-green\'s way back, in seconds'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l no-wait -d 'Do not wait for the old version to be back'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l standalone -d 'Then drive the release to its next stop, in this process'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l to-revision -d 'To this revision, as `history` shows it; 0 for the one before' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l scripts -d 'With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l fast -d 'Of a Rollout: to the earlier step with the most new pods and no traffic to them'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l standalone -d 'Then drive the release to its next stop, in this process'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l force -d 'Pause a workload although a release of it is under way'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l scripts -d 'With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l force -d 'Resume a workload although a release of it is under way'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l standalone -d 'Then drive the release to its next stop, in this process'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l scripts -d 'With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l standalone -d 'Then drive the release to its next stop, in this process'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s f -l filename -d 'Those that files or folders of manifests name; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s k -l kustomize -d 'Those of a kustomization' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s l -l selector -d 'Those with these labels, such as app=shop' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l revision -d 'Only this revision, with its pod template' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l diff -d 'What changed between two revisions, such as 3..5; 3.. compares with the present template' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s o -l output -d 'Print as wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s A -l all-namespaces -d 'In all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l all -d 'Every one of the namespace'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s f -l filename -d 'Plan over these files or folders of manifests instead of a cluster; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l set-image -d 'As if this image were set; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l replicas -d 'As if the workload had this many pods' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l apply -d 'As if these files or folders of manifests were applied: a new template, another Rollout, other routes' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l steps -d 'As if the Rollout had the steps of this file: a list of steps, or a Rollout' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l until-step -d 'Plan to the pause of this step only' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l what-if -d 'As if this happened: crash, missing-image, never-ready, failing-pods=N|N%, slow-pods=TIME, node-lost[=NODE]' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l analysis -d 'As if steps were judged by the AnalysisTemplates of this file' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l scripts -d 'Scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l out -d 'Keep the plan in this file, with what it rests on, for approve --plan and run --plan' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s o -l output -d 'Print as markdown, mermaid, svg, json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'
markdown\t'for a pull request'
mermaid\t'a Gantt chart that forges show in Markdown'
svg\t'a picture'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l writes -d 'Print each write, as it would be sent'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l detailed-exitcode -d 'Exit with 2 when something would change'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s f -l filename -d 'The same' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l scripts -d 'Scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s o -l output -d 'How to print' -r -f -a "text\t'For people'
json\t'One JSON document'
sarif\t'SARIF 2.1.0, for code hosts'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l live -d 'Look at what the cluster has'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s A -l all-namespaces -d 'With --live: in all namespaces'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l strict -d 'Let warnings fail, too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l auto-approve -d 'Approve every step after this time instead of asking' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l speed -d 'Let time run so many times as fast; with --serve, the times that other commands show are ahead of theirs' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l write-kubeconfig -d 'Where the kubeconfig is written with --serve' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l list -d 'Say what there is to show, one line each'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l serve -d 'Keep the cluster on loopback, with a kubeconfig for kubectl and this plugin'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -s y -l yes -d 'Approve every step instead of asking'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s f -l filename -d 'Copy these files or folders of manifests instead of a cluster; - reads stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l set-image -d 'Release this image; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l replicas -d 'Let the workload have this many pods' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l apply -d 'Apply these files or folders of manifests in the copy: a new template, another Rollout, other routes' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l crash -d 'Pods of the new version crash: all, the first N, or N%' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l slow -d 'New pods take this long to become ready' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l node-lost -d 'A node is lost at the first pause: this one, or the one with most of the pods' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l errors -d 'So many of a hundred requests to the API server fail' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l analysis -d 'Judge steps by the AnalysisTemplates of this file' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l scripts -d 'Scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l speed -d 'Let time run so many times as fast' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l auto-approve -d 'Approve every step after this time' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s y -l yes -d 'Approve every step'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from rehearse" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -f -a "image" -d 'Set images of containers'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -f -a "env" -d 'Set or remove environment variables of containers'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from set" -f -a "resources" -d 'Set limits and requests of containers'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s f -l filename -d 'Files or folders of manifests, YAML or JSON; - reads them from stdin' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l scripts -d 'With --standalone: scripts for Ingress classes and kinds of routes, before those of the cluster' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l dry-run -d 'none, client (print the request) or server (send it with dryRun=All)' -r -f -a "none\t'The change is made'
client\t'The request is printed and not sent'
server\t'The request is sent with `dryRun=All`'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s o -l output -d 'Print the result as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s R -l recursive -d 'Read folders within folders too'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l standalone -d 'Then drive the release to its next stop, in this process'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s y -l yes -d 'Do not ask'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l image -d 'Image of the engine' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from manifests" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -s o -l output -d 'Print as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l client -d 'Only the version of this program; asks no server'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand rollout; and __fish_seen_subcommand_from completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -s o -l output -d 'Print as json, yaml, name, jsonpath=TEMPLATE or custom-columns=SPEC' -r -f -a "json\t'one JSON document, a List for several'
yaml\t'YAML'
name\t'TYPE/NAME'
wide\t'the table with more columns'
table\t'the table'
jsonpath=\t'kubectl\'s template, such as {.metadata.name}'
jsonpath-file=\t'the same from a file'
jsonpath-as-json=\t'what its paths find, as JSON'
custom-columns=\t'a table, such as NAME:.metadata.name'
custom-columns-file=\t'the same from a file: headings, then paths'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l client -d 'Only the version of this program; asks no server'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -s n -l namespace -d 'Namespace; the context\'s own unless given' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l user -d 'User of the kubeconfig' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l kubeconfig -d 'Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l token -d 'Bearer token' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l as -d 'User to act as' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l as-group -d 'Group to act as; may be repeated' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l certificate-authority -d 'File of the certificates that the API server is known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l client-certificate -d 'File of the certificate to be known by' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l client-key -d 'File of the key to that certificate' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l tls-server-name -d 'Name in the API server\'s certificate, where it is not that of the address' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l cache-dir -d 'Folder for what was learnt of servers; else kubectl-kruise in XDG_CACHE_HOME or ~/.cache' -r -F
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l request-timeout -d 'How long one request may take, such as 10s; 30s unless given, 0 for no limit' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal that can, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -s v -l v -d 'How much to tell on stderr; 6 shows requests' -r
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -l insecure-skip-tls-verify -d 'Do not check the API server\'s certificate'
complete -c kubectl-kruise -n "__fish_kubectl_kruise_using_subcommand __complete" -s h -l help -d 'Print help (see more with \'--help\')'
