using System.Xml.Linq;
using static Ddm.Evaluation.Html;

namespace Ddm.Evaluation;

/// <summary>A section of the report, and what the table of contents needs.</summary>
internal sealed record ReportSection(string Id, string Title, XElement Element)
{
    /// <summary>A section of the content given.</summary>
    public static ReportSection Of(string id, string title, params object?[] content)
        => new(id, title, El("section", At("id", id), At("aria-labelledby", id + "-title"), El("h2", At("id", id + "-title"), title), content));
}
