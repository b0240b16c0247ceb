using System.Diagnostics;
using System.Globalization;

namespace Ddm.Tests;

/// <summary>
/// Kills the processes that a killed test process would leave behind: a shell that reads their numbers from a pipe, which ends however this process ends.
/// </summary>
internal static class Reaper
{
    private const string Script = """
        trap '' HUP INT TERM # of the whole group: then above all it is needed
        declare -A watched
        while read -r line; do
          case $line in
            +*) watched[${line#+}]=1 ;;
            -*) unset "watched[${line#-}]" ;;
          esac
        done
        (( ${#watched[@]} )) && kill -9 "${!watched[@]}" 2>/dev/null
        """;

    private static readonly Lock Gate = new();
    private static Process? s_shell;

    /// <summary>From now on the process goes with this one.</summary>
    public static void Watch(int process) => Tell('+', process);

    /// <summary>The process has ended: its number may be another's soon.</summary>
    public static void Forget(int process) => Tell('-', process);

    private static void Tell(char what, int process)
    {
        lock (Gate)
        {
            s_shell ??= Process.Start(new ProcessStartInfo("bash", ["-c", Script]) { RedirectStandardInput = true })!;
            s_shell.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}{process}"));
            s_shell.StandardInput.Flush();
        }
    }
}
