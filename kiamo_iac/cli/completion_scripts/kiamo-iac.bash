# Completion of kiamo-iac for bash 4 or newer. In ~/.bashrc: source <(kiamo-iac completion bash)
# What is typed goes to the program as data, in a variable; what comes back is quoted already, and is evaluated by nobody.

_kiamo_iac_completion() {
    local kind='' word
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ -z $kind ]]; then kind=$word; else COMPREPLY+=("$word"); fi
    done < <(
        _KIAMO_IAC_WORDS=${COMP_LINE:0:COMP_POINT} _KIAMO_IAC_BREAKS=$COMP_WORDBREAKS \
            _KIAMO_IAC_COMPLETE=bash_complete command kiamo-iac 2>/dev/null
    )
    case $kind in
        files) compopt -o default 2>/dev/null ;;
        dirs) compopt -o dirnames 2>/dev/null ;;
    esac
}

complete -F _kiamo_iac_completion kiamo-iac
