namespace Ddm.Simulation.Tests;

/// <summary>What is counted in a world: steps, to be held against steps committed; and how often workers got in each other's way, for worlds in which they do not show nothing.</summary>
internal sealed class Tally
{
    /// <summary>Steps made, committed or not.</summary>
    public long Steps { get; set; }

    /// <summary>Steps made and not part of what was trained in the end.</summary>
    public long Wasted { get; set; }

    /// <summary>Faults that may each cost a slice of training.</summary>
    public int Faults { get; set; }

    /// <summary>Roles taken from an owner that had not given them back.</summary>
    public int TakeOvers { get; set; }

    /// <summary>Commits refused because the role was another's by then.</summary>
    public int Fenced { get; set; }

    /// <summary>Trainings that went on from an earlier checkpoint than the newest.</summary>
    public int FellBack { get; set; }

    /// <summary>Messages that the broker handed out again.</summary>
    public int Redelivered { get; set; }

    /// <summary>Store calls that failed or lost their reply.</summary>
    public int StoreFaults { get; set; }

    /// <summary>Runs sent back to training by evaluation or publication.</summary>
    public int SentBack { get; set; }

    /// <summary>Time from the end of the trouble to the end of the run; negative when the run was faster.</summary>
    public TimeSpan Recovery { get; set; }

    /// <summary>Adds another world's.</summary>
    public void Add(Tally other)
    {
        Steps += other.Steps;
        Wasted += other.Wasted;
        Faults += other.Faults;
        TakeOvers += other.TakeOvers;
        Fenced += other.Fenced;
        FellBack += other.FellBack;
        Redelivered += other.Redelivered;
        StoreFaults += other.StoreFaults;
        SentBack += other.SentBack;
        Recovery = Recovery > other.Recovery ? Recovery : other.Recovery;
    }

    public override string ToString() =>
        $"{Steps} steps, {Wasted} wasted, {Faults} faults, {TakeOvers} take-overs, {Fenced} fenced commits, {FellBack} fallbacks, {Redelivered} redeliveries, "
        + $"{StoreFaults} store faults, {SentBack} sent back to training, longest recovery {Recovery:hh\\:mm\\:ss}";
}
