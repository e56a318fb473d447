# PowerShell completion for kubectl-kruise: the program itself knows the candidates, and asks the cluster for names.
# Load it with: kubectl-kruise completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName 'kubectl-kruise', 'kubectl-kruise.exe', 'kubectl-kruise-rollout' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $typed = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') {
        # Before 7.3 an empty argument reaches a program only in quotes.
        $typed += if ($PSVersionTable.PSVersion -lt [version]'7.3.0') { '""' } else { '' }
    }
    & $words[0] __complete @typed 2>$null |
        Where-Object { $_ -notmatch '^:\d+$' } |
        ForEach-Object {
            $value, $help = $_ -split "`t", 2
            if (-not $help) { $help = $value }
            if ($value -like "$wordToComplete*") {
                [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
            }
        }
}
