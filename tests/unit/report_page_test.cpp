#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/page.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::ordered_json;

Json with_title(const std::string& title) {
  return {{"title", title}, {"subtitle", ""}, {"generator", "test"}, {"sections", Json::array()}};
}

/// What stands in the page's element for the document.
std::string embedded(const std::string& page) {
  const std::string open = "<script id=\"document\" type=\"application/json\">";
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

class HostileText : public testing::TestWithParam<std::string> {};

TEST_P(HostileText, IsDataAndNothingElse) {
  const Json document = with_title(GetParam());
  const std::string page = page_html(document);
  const std::string data = embedded(page);
  EXPECT_EQ(Json::parse(data), document);
  EXPECT_EQ(data.find_first_of("<>&"), std::string::npos) << data;
  EXPECT_EQ(data.find("\xe2\x80"), std::string::npos) << data;
  // The page has the elements that it has with any other title.
  for (const char* const word : {"<script", "</script", "<!--", "<img"}) {
    EXPECT_EQ(count(page, word), count(page_html(with_title("harmless")), word)) << word;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Page, HostileText,
    testing::Values("<script>alert(1)</script>", "</script ><img src=x onerror=alert(1)>", "<!-- <script>",
                    "]]> & &lt; \" ' \\ {{script}} {{style}}", "line\xe2\x80\xa8separator\xe2\x80\xa9s",
                    std::string("nul\0byte", 8), "\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x99\x82"));

TEST(Page, ReplacesWhatIsNotUtf8) {
  const Json title = Json::parse(embedded(page_html(with_title("run \xff\xc3 end")))).at("title");
  EXPECT_EQ(title.get<std::string>(), "run \xef\xbf\xbd\xef\xbf\xbd end");
}

TEST(Page, HasGapsForNumbersThatJsonHasNot) {
  Json document = with_title("run");
  document["sections"] = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                          0.5};
  EXPECT_EQ(Json::parse(embedded(page_html(document))).at("sections").dump(), "[null,null,0.5]");
}

TEST(Page, IsWholeAndAllowsNoRequest) {
  const std::string page = page_html(with_title("run"));
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_NE(page.find("plotly.js (cartesian - minified)"), std::string::npos);
  EXPECT_NE(page.find("content=\"default-src 'none';"), std::string::npos);
  for (const char* const part : {"style", "theme", "plotly", "script", "document"}) {
    EXPECT_EQ(page.find("{{" + std::string(part) + "}}"), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace lockstep
