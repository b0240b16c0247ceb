namespace Ddm.Cli;

/// <summary>A service that <c>ddm up</c> starts.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Program">Its project.</param>
/// <param name="Pool">Whose slices it trains; of others without meaning.</param>
/// <param name="Port">Where it answers on this machine.</param>
internal sealed record ServicePlan(string Name, string Program, string Pool, int Port)
{
    private const string Local = "local"; // where slices go that name no pool

    /// <summary>All of them, on ports that follow each other.</summary>
    /// <param name="port">Of the control plane.</param>
    /// <param name="trainers">Expert trainers.</param>
    public static List<ServicePlan> All(int port, int trainers) =>
    [
        new("control-plane", "Ddm.ControlPlane", Local, port),
        new("feature-extractor", "Ddm.FeatureExtractor", Local, port + 1),
        new("clusterer", "Ddm.Clusterer", Local, port + 2),
        new("router-trainer", "Ddm.RouterTrainer", Local, port + 3),
        .. Enumerable.Range(0, trainers).Select(i => new ServicePlan(FormattableString.Invariant($"expert-trainer-{i}"), "Ddm.ExpertTrainer", Local, port + 4 + i)),
    ];
}
