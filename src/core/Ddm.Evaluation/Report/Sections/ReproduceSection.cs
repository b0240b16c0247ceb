using System.Xml.Linq;
using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>What is needed to do it again and to check that it came out the same.</summary>
internal static class ReproduceSection
{
    public static ReportSection Build(ReportModel model) => ReportSection.Of(
        "reproduce",
        "Reproduce",
        model.Commands.Select(command => El("figure", Class("command"), El("figcaption", command.What), El("pre", El("code", command.CommandLine)))),
        El("h3", "Spec"),
        El("pre", El("code", model.SpecText)),
        Checkpoints(model),
        Numerics(model),
        Versions(model));

    private static XElement? Checkpoints(ReportModel model) => model.Roles.All(role => role.CheckpointSha256 is null)
        ? null
        : Blocks.Table(
            "SHA-256 of the last committed weights. The same spec in the same numerics class gives the same bits, however often it was interrupted.",
            ["Role", "Weights"],
            model.Roles.Where(role => role.CheckpointSha256 is not null).Select(role => (IReadOnlyList<object>)[Words.Role(role.Role), El("code", role.CheckpointSha256!)]),
            null,
            1);

    private static XElement? Numerics(ReportModel model) => model.Numerics.Count == 0
        ? null
        : Blocks.Table(
            "Numerics class: what decides the bits besides spec and seed",
            ["Roles", "Device", "Compute", "Micro-batch", "Threads", "Bit-exact", "Libraries"],
            model.Numerics.GroupBy(pair => pair.Value).Select(group => (IReadOnlyList<object>)
            [
                string.Join(", ", group.Select(pair => Words.Role(pair.Key))),
                group.Key.Device,
                group.Key.ComputeType,
                Figures.Count(group.Key.MicroBatch),
                Figures.Count(group.Key.Threads),
                group.Key.Deterministic ? "yes" : "no",
                group.Key.Libraries,
            ]),
            null,
            1,
            2,
            5,
            6);

    private static XElement? Versions(ReportModel model) => model.Versions.Count == 0
        ? null
        : Blocks.Table("Made with", ["What", "Version"], model.Versions.Select(version => (IReadOnlyList<object>)[version.Name, version.Value]), null, 1);
}
