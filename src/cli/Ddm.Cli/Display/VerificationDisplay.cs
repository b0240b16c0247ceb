using System.Globalization;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>A verification as lines: a role each, a slice each, the conclusion. On a terminal the running slice's step is kept up to date.</summary>
internal sealed class VerificationDisplay : IVerificationProgress
{
    private static readonly bool s_live = !Console.IsOutputRedirected;

    public void Walked(RoleVerification role)
    {
        Console.WriteLine(Text($"{role.Role,-12} step {role.Step,7}  {role.Checkpoints} checkpoints, {role.Whole} with their tensors  {(role.Faults.Count == 0 ? "good" : "BROKEN")}"));
        Faults(role.Faults);
    }

    public void Drawn(int slices, int candidates, long seed)
    {
        if (slices > 0)
        {
            Console.WriteLine(Text($"making {slices} of {candidates} slices again (--seed {seed} draws the same)"));
        }
    }

    public void Stepped(SliceVerification slice, long step)
    {
        if (s_live)
        {
            Console.Write(Text($"\r{Name(slice)}  at {step} ..."));
        }
    }

    public void Replayed(SliceVerification slice)
    {
        var verdict = slice.NotRun is not null ? "not made again: " + slice.NotRun : slice.Faults.Count == 0 ? "the same bits" : "OTHER BITS";
        Console.WriteLine($"{(s_live ? "\r\u001b[K" : "")}{Name(slice)}  {verdict}");
        Faults(slice.Faults);
    }

    public static void Conclude(VerificationReport report)
    {
        Faults(report.Model);
        foreach (var (reason, slices) in report.NotReplayable)
        {
            Console.WriteLine(Text($"{slices} slices cannot be made again here: {reason}"));
        }

        var same = report.Slices.Count(slice => slice.NotRun is null && slice.Faults.Count == 0);
        Console.WriteLine(report.Good
            ? Text($"{report.Run} is good: {report.Roles.Sum(role => role.Checkpoints)} checkpoints in {report.Roles.Count(role => role.Checkpoints > 0)} chains, {same} slices made again with the same bits.")
            : $"{report.Run} is NOT what its chains say: see above.");
    }

    private static string Name(SliceVerification slice) => Text($"{slice.Role,-12} steps {slice.FromStep} to {slice.Step}");

    private static void Faults(IReadOnlyList<string> faults)
    {
        foreach (var fault in faults)
        {
            Console.WriteLine("  " + fault);
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
