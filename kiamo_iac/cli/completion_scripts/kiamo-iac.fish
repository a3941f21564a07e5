# Completion of kiamo-iac for fish. Once: kiamo-iac completion fish > ~/.config/fish/completions/kiamo-iac.fish
# What is typed goes to the program as data, in a variable; fish escapes what comes back, and nothing is evaluated.

function __kiamo_iac_complete
    set -l current (commandline -ct)
    set -lx _KIAMO_IAC_WORDS (printf '%s\n' (commandline -opc) | string collect --no-trim-newlines)"$current"
    set -lx _KIAMO_IAC_COMPLETE fish_complete
    set -l answer (command kiamo-iac 2>/dev/null)
    set -l option (string match --regex -- '^-[^=]*=' "$current") # --out= of --out=plans/ton
    set -l path (string replace --regex -- '^-[^=]*=' '' "$current")
    switch "$answer[1]"
        case files
            for each in (__fish_complete_path "$path")
                printf '%s\n' "$option$each"
            end
        case dirs
            for each in (__fish_complete_directories "$path")
                printf '%s\n' "$option$each"
            end
        case '*'
            printf '%s\n' $answer[2..-1]
    end
end

complete --command kiamo-iac --no-files --arguments '(__kiamo_iac_complete)'
