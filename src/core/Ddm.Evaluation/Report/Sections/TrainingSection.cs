using System.Xml.Linq;

namespace Ddm.Evaluation;

/// <summary>Loss curves and what became of every role.</summary>
internal static class TrainingSection
{
    public static ReportSection? Build(ReportModel model)
    {
        if (model.Roles.Count == 0)
        {
            return null;
        }

        var experts = model.Roles.Where(role => !role.IsRouter).ToArray();
        var routers = model.Roles.Where(role => role.IsRouter).ToArray();
        return ReportSection.Of(
            "training",
            "Training",
            Blocks.Paragraph("No gradient, weight or activation passed between the roles: each was trained on its own and may have run at another time or on another machine."),
            model.Start is { } start ? Blocks.Paragraph(start) : null,
            Roles(model),
            Curve(
                experts,
                role => role.TrainingLoss,
                "Training loss of the experts",
                "mean squared error of velocity",
                raw: true,
                "Pale: the batches. Strong: their running mean. Levels differ because the clusters differ; what matters is that each curve falls and then flattens without jumps."),
            Curve(
                experts,
                role => role.HeldOutLoss,
                "Held-out loss of the experts",
                "mean squared error of velocity",
                raw: false,
                "The averaged (EMA) weights on images of the expert’s own cluster that it never saw, under fixed noise. A curve that turns upward while its training loss still falls has begun to memorize."),
            Curve(
                routers,
                role => role.TrainingLoss,
                "Training loss of the router",
                "cross-entropy, nats",
                raw: true,
                "An average over all times t, so it never reaches zero: near t = 1 the image is noise and the cluster cannot be known. The next section shows it by t."),
            Curve(routers, role => role.HeldOutLoss, "Held-out loss of the router", "cross-entropy, nats", raw: false, "The averaged (EMA) weights on held-out images of all clusters, under fixed noise."));
    }

    private static XElement? Curve(RoleFacts[] roles, Func<RoleFacts, IReadOnlyList<CurvePoint>> points, string title, string yTitle, bool raw, string caption)
    {
        if (roles.Length == 0)
        {
            return null;
        }

        var lines = new List<ChartLine>();
        foreach (var (role, number) in roles.Select((role, i) => (role, role.IsRouter ? SvgTheme.Colours - 1 : i)).Where(pair => points(pair.role).Count > 0))
        {
            var name = Words.Role(role.Role);
            if (raw)
            {
                lines.Add(new ChartLine(string.Empty, number, Curves.Thin(points(role))) { Faint = true });
                lines.Add(new ChartLine(name, number, Curves.Thin(Curves.Smooth(points(role)))));
            }
            else
            {
                lines.Add(new ChartLine(name, number, Curves.Thin(points(role))) { Marked = true });
            }
        }

        var last = roles.Max(role => Math.Max(role.Step, role.TargetSteps));
        return lines.Count == 0 ? null : Blocks.Figure(new Chart(title, "step", yTitle, lines) { LogY = true, XRange = (0, Math.Max(1, 1.01 * last)) }, caption);
    }

    private static XElement Roles(ReportModel model) => Blocks.Table(
        "The roles. Loss: running mean over the last fortieth of training; held out: last measurement.",
        ["Role", "State", "Steps", "Parameters", "Images seen", "Images/s", "Loss", "Held out"],
        model.Roles.Select(role => (IReadOnlyList<object>)
        [
            Words.Role(role.Role),
            role.Status,
            role.Step == role.TargetSteps ? Figures.Count(role.Step) : $"{Figures.Count(role.Step)} of {Figures.Count(role.TargetSteps)}",
            Figures.Scaled(role.Parameters),
            Figures.Count(role.ImagesSeen),
            role.TrainingSeconds > 0 ? Figures.Count((long)Math.Round(role.ImagesSeen / role.TrainingSeconds)) : Figures.Decimal(null),
            Figures.Decimal(Last(role.TrainingLoss)),
            Figures.Decimal(role.HeldOutLoss.Count == 0 ? null : role.HeldOutLoss[^1].Value),
        ]),
        null,
        1);

    private static double? Last(IReadOnlyList<CurvePoint> points)
    {
        var finite = points.Where(point => double.IsFinite(point.Value)).ToArray();
        return finite.Length == 0 ? null : finite.TakeLast((finite.Length + 39) / 40).Average(point => point.Value);
    }
}
