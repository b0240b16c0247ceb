using System.Diagnostics;
using System.Globalization;

namespace Ddm.Cli;

/// <summary>
/// Stops what <c>ddm up</c> started when it ends without doing so itself, by SIGKILL say: a shell that learns the programs' numbers through a pipe, which closes
/// however its writer ends. (A death signal of the kernel's would come when the thread ends that started a program.)
/// </summary>
internal sealed class UpGuard : IDisposable
{
    private const string Shell = "/bin/sh";

    // Services first, as ddm up does: their last commits need store and broker. What does not stop in time is killed with its whole group.
    private const string Script = """
        trap '' HUP INT TERM
        exec > /dev/null 2>&1
        services= stores=
        while read -r kind pid; do
          case $kind in
            service) services="$services $pid" ;;
            store) stores="$stores $pid" ;;
            done) exit 0 ;;
          esac
        done
        # One that has ended and that nobody has asked after is no program any more.
        lives() { kill -0 "$1" && ! grep -q ') Z ' "/proc/$1/stat"; }
        stop() {
          patience=$1; shift
          for pid; do kill -s TERM "$pid"; done
          while [ "$patience" -gt 0 ]; do
            alive=
            for pid; do lives "$pid" && alive=yes; done
            [ -n "$alive" ] || return
            sleep 1; patience=$((patience - 1))
          done
          for pid; do kill -s KILL -- "-$pid" || kill -s KILL "$pid"; done
        }
        stop "$1" $services
        stop "$2" $stores
        shift 2
        "$@"
        """;

    private readonly Process? process;

    private UpGuard(Process? process) => this.process = process;

    /// <summary>Starts it; where there is no such shell there is no guard, and the next <c>ddm up</c> tidies.</summary>
    /// <param name="services">How long services may take to stop.</param>
    /// <param name="stores">How long broker and blob service may.</param>
    /// <param name="last">What is run when all have ended.</param>
    /// <param name="environment">Of that.</param>
    public static UpGuard Start(TimeSpan services, TimeSpan stores, IReadOnlyList<string> last, IReadOnlyDictionary<string, string> environment)
    {
        if (!File.Exists(Shell))
        {
            return new UpGuard(null);
        }

        string[] arguments = ["-c", Script, "ddm-up-guard", Seconds(services), Seconds(stores), .. last.Count == 0 ? ["true"] : last];
        var start = LocalProcess.Detached([Shell, .. arguments]);
        start.RedirectStandardInput = true;
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        return new UpGuard(Process.Start(start)!);

        static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("F0", CultureInfo.InvariantCulture);
    }

    /// <summary>From now on the program goes with this process.</summary>
    /// <param name="program">The program.</param>
    /// <param name="isStore">Whether services need it: then it goes after them.</param>
    public void Watch(LocalProcess program, bool isStore) => Tell(string.Create(CultureInfo.InvariantCulture, $"{(isStore ? "store" : "service")} {program.Id}"));

    /// <summary>All have ended.</summary>
    public void Dismiss() => Tell("done 0");

    /// <inheritdoc/>
    public void Dispose() => process?.Dispose(); // closes the pipe: without a dismissal it begins its work

    private void Tell(string line)
    {
        try
        {
            process?.StandardInput.WriteLine(line);
            process?.StandardInput.Flush();
        }
        catch (IOException)
        {
            // somebody ended it: the next ddm up tidies
        }
    }
}
