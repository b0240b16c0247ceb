using System.Xml.Linq;

namespace Ddm.Evaluation;

/// <summary>Where time and arithmetic went.</summary>
internal static class CostSection
{
    public static ReportSection? Build(ReportModel model)
    {
        var trained = model.Roles.Where(role => role.TrainingFlops > 0).ToArray();
        return model.Stages.Count == 0 && trained.Length == 0
            ? null
            : ReportSection.Of("cost", "Cost", model.Stages.Count == 0 ? null : Stages(model), trained.Length == 0 ? null : Flops(model, trained));
    }

    /// <summary>The router's share of all training FLOPs; NaN when none were counted.</summary>
    public static double RouterShare(ReportModel model)
        => model.Roles.Where(role => role.IsRouter).Sum(role => role.TrainingFlops) / model.Roles.Sum(role => role.TrainingFlops);

    private static XElement[] Stages(ReportModel model)
    {
        var total = model.Stages.Sum(stage => stage.Seconds);
        return
        [
            Blocks.Figure(
                "Wall-clock time by stage",
                ChartSvg.Bars(
                    "Wall-clock time by stage",
                    "seconds",
                    [.. model.Stages.Select(stage => new ChartBar(stage.Stage, stage.Seconds, $"{Figures.Duration(stage.Seconds)}, {Figures.Percent(stage.Seconds / total)}", 0))]),
                $"{Figures.Duration(total)} in all, as the clock on the wall ran: roles that trained at the same time share it."),
        ];
    }

    private static XElement[] Flops(ReportModel model, RoleFacts[] trained)
    {
        var total = trained.Sum(role => role.TrainingFlops);
        return
        [
            Blocks.Figure(
                "Training FLOPs by role",
                ChartSvg.Bars(
                    "Training FLOPs by role",
                    "percent of all training FLOPs",
                    [.. trained.Select((role, i) => new ChartBar(
                        Words.Role(role.Role), 100 * role.TrainingFlops / total, Figures.Percent(role.TrainingFlops / total), role.IsRouter ? SvgTheme.Colours - 1 : i))]),
                $"The router took {Figures.Percent(RouterShare(model))} of the arithmetic. Counted layer by layer, a multiply-add as two, a training step as three forward passes."),
            Blocks.Table(
                "Training cost by role",
                ["Role", "FLOPs", "Share", "Seconds", "Images seen", "Images/s", "GFLOP/s"],
                trained.Select(role => Row(Words.Role(role.Role), role.TrainingFlops, total, role.TrainingSeconds, role.ImagesSeen)),
                Row("all", total, total, trained.Sum(role => role.TrainingSeconds), trained.Sum(role => role.ImagesSeen))),
        ];
    }

    private static IReadOnlyList<object> Row(string name, double flops, double total, double seconds, long images) =>
    [
        name,
        Figures.Scaled(flops),
        Figures.Percent(flops / total),
        Figures.Decimal(seconds, 1),
        Figures.Count(images),
        seconds > 0 ? Figures.Count((long)Math.Round(images / seconds)) : Figures.Decimal(null),
        Figures.Decimal(seconds > 0 ? flops / seconds / 1e9 : null, 1),
    ];
}
