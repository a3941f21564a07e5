# Completion of kiamo-iac for PowerShell 5.1 or newer. In $PROFILE: kiamo-iac completion powershell | Out-String | Invoke-Expression
# What is typed goes to the program as data, in a variable; what comes back is JSON with candidates quoted already.

Register-ArgumentCompleter -Native -CommandName 'kiamo-iac', 'kiamo-iac.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @(
        foreach ($element in $commandAst.CommandElements) {
            if ($element.Extent.EndOffset -ge $cursorPosition) { break }
            # Value is the text between the quotes; what stands in it is not expanded.
            if ($element.PSObject.Properties['Value']) { [string]$element.Value } else { $element.Extent.Text }
        }
        [string]$wordToComplete
    )
    $before = $env:_KIAMO_IAC_WORDS, $env:_KIAMO_IAC_COMPLETE
    try {
        $env:_KIAMO_IAC_WORDS = $words -join "`n"
        $env:_KIAMO_IAC_COMPLETE = 'powershell_complete'
        $found = (& kiamo-iac 2>$null) -join '' | ConvertFrom-Json
    }
    catch {
        $found = @()
    }
    finally {
        $env:_KIAMO_IAC_WORDS, $env:_KIAMO_IAC_COMPLETE = $before
    }
    foreach ($each in $found) {
        [System.Management.Automation.CompletionResult]::new($each.text, $each.shown, 'ParameterValue', $each.help)
    }
}
