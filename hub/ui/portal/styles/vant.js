/** Vant's css, only of what is used; index.css alone leaves out its icon font, a data: URL the CSP forbids. */
import "vant/es/style/base.css";
import "vant/es/overlay/index.css";
import "vant/es/popup/index.css";
import "vant/es/loading/index.css";
import "vant/es/button/index.css";
import "vant/es/switch/index.css";
import "vant/es/dialog/index.css";
import "vant/es/toast/index.css";
