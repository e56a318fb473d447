# bash completion for kubectl-kruise: the program itself knows the candidates, and asks the cluster for names.
# Load it with: source <(kubectl-kruise completion bash)

_kubectl_kruise() {
    local line=${COMP_LINE:0:COMP_POINT} words cur candidate directive=0 head= break width=0 index
    local -a values=() helps=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cur=${words[${#words[@]} - 1]}
    while IFS= read -r candidate; do
        if [[ $candidate =~ ^:[0-9]+$ ]]; then
            directive=${candidate#:}
            continue
        fi
        [[ ${candidate%%$'\t'*} == "$cur"* ]] || continue
        values+=("${candidate%%$'\t'*}")
        [[ $candidate == *$'\t'* ]] && helps+=("${candidate#*$'\t'}") || helps+=("")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)

    # What stands before a colon or an equals sign is a word of its own to readline.
    for break in : =; do
        if [[ $COMP_WORDBREAKS == *"$break"* && $cur == *"$break"* ]]; then
            candidate=${cur%"${cur##*"$break"}"}
            ((${#candidate} > ${#head})) && head=$candidate
        fi
    done

    COMPREPLY=()
    for index in "${!values[@]}"; do
        ((${#values[index]} > width)) && width=${#values[index]}
    done
    for index in "${!values[@]}"; do
        candidate=${values[index]#"$head"}
        # Shown in a list, and not inserted.
        if ((${#values[@]} > 1)) && [[ ${COMP_TYPE:-9} != 9 && ${COMP_TYPE:-9} != 37 && -n ${helps[index]} ]]; then
            printf -v candidate '%-*s  (%s)' "$width" "$candidate" "${helps[index]}"
        fi
        COMPREPLY+=("$candidate")
    done
    ((directive & 2)) && compopt -o nospace 2>/dev/null
    # Without candidates files may be meant, or may not.
    ((directive & 4)) && compopt +o default 2>/dev/null
    return 0
}

complete -o default -F _kubectl_kruise kubectl-kruise kubectl-kruise-rollout
