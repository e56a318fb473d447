# fish completion for kubectl-kruise: the program itself knows the candidates, and asks the cluster for names.
# Load it with: kubectl-kruise completion fish | source

function __kubectl_kruise_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l directive 0
    set -l found 0
    for line in (command $words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if string match -qr '^:\d+$' -- $line
            set directive (string sub -s 2 -- $line)
        else
            set found 1
            printf '%s\n' $line
        end
    end
    # Without candidates files may be meant, or may not.
    if test $found = 0; and test (math "bitand($directive, 4)") = 0
        __fish_complete_path "$current"
    end
end

for program in kubectl-kruise kubectl-kruise-rollout
    complete -c $program -f -k -a '(__kubectl_kruise_complete)'
end
