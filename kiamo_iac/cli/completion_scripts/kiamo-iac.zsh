#compdef kiamo-iac
# Completion of kiamo-iac for zsh. In ~/.zshrc, after compinit: source <(kiamo-iac completion zsh)
# What is typed goes to the program as data, in a variable; compadd quotes what comes back, and nothing is evaluated.

_kiamo_iac() {
    local -a answer values shown
    local each
    (( $+commands[kiamo-iac] )) || return 1
    answer=("${(@f)$(
        _KIAMO_IAC_WORDS="${(F)${(@Q)words[1,CURRENT-1]}}"$'\n'"${(Q)PREFIX}" \
            _KIAMO_IAC_COMPLETE=zsh_complete command kiamo-iac 2>/dev/null
    )}")
    case $answer[1] in
        files) [[ $PREFIX == -*=* ]] && compset -P '*='; _files ;;
        dirs) [[ $PREFIX == -*=* ]] && compset -P '*='; _files -/ ;;
        *)
            for each in "${(@)answer[2,-1]}"; do
                [[ -n $each ]] || continue
                values+=("${each%%$'\t'*}")
                shown+=("${each/$'\t'/  -- }")
            done
            if [[ $answer[2] == *$'\t'* ]]; then
                compadd -V kiamo-iac -l -d shown -a -- values
            else
                compadd -V kiamo-iac -a -- values
            fi
            ;;
    esac
}

if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _kiamo_iac "$@"
else
    compdef _kiamo_iac kiamo-iac
fi
